import { Group, Paper, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { IconFilter, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, getRouteApi } from '@tanstack/react-router';
import type { RuleOut } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink, TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchInput } from '~/components/SearchInput';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';
import { EXAMPLES } from '~/features/rules/examples';
import { FillingBadge } from '~/features/rules/FillingBadge';
import { Sentence } from '~/features/rules/Sentence';
import { plural } from '~/format';
import classes from '~/features/rules/RulesScreen.module.css';

const route = getRouteApi('/rules');

export function RulesScreen() {
  const { search } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(read.rules);
  return (
    <>
      <PageHeader
        title="Rules"
        description="Who should hear from you, and when. A rule is kept true live: people enter and leave it as they act."
        actions={
          <LinkButton to="/rules/$id" params={{ id: 'new' }} leftSection={<IconPlus size={16} />}>
            New rule
          </LinkButton>
        }
      />
      <Loaded query={query}>
        {({ items }) => {
          if (items.length === 0) return <NoRules />;
          const wanted = search?.toLowerCase() ?? '';
          const shown = items.filter(({ name, text }) => `${name} ${text}`.toLowerCase().includes(wanted));
          return (
            <Stack>
              <SearchInput
                label="Search rules"
                value={search}
                onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
                maw={360}
              />
              {shown.length === 0 ? (
                <Text c="dimmed">No rule has that in its name or text.</Text>
              ) : (
                <Paper p={0}>
                  <RuleTable rules={shown} />
                </Paper>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}

function RuleTable({ rules }: { rules: RuleOut[] }) {
  return (
    <Table.ScrollContainer minWidth={680}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Rule</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">In it now</Table.Th>
            <Table.Th>Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rules.map((rule) => (
            <Table.Tr key={rule.id}>
              <Table.Td>
                <RowLink to="/rules/$id" params={{ id: String(rule.id) }}>
                  {rule.name}
                </RowLink>
                <Sentence text={rule.sentence} size="xs" c="dimmed" />
              </Table.Td>
              <Table.Td>
                <Group gap={6} wrap="nowrap">
                  <StatusBadge status={rule.status} />
                  {rule.status === 'active' && !rule.filled && <FillingBadge filling={rule.filling} />}
                </Group>
              </Table.Td>
              <Table.Td ta="right">
                {rule.status === 'active' ? (
                  <TextLink to="/rules/$id" params={{ id: String(rule.id) }} search={{ tab: 'members' }}>
                    {rule.subject_kind === 'user'
                      ? plural(rule.members, 'user')
                      : plural(rule.members, 'company', 'companies')}
                  </TextLink>
                ) : (
                  <Text c="dimmed">–</Text>
                )}
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={rule.updated_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function NoRules() {
  return (
    <Stack gap="lg">
      <EmptyState icon={<IconFilter size={26} />} title="Write your first rule">
        A rule is a sentence about what somebody did, or did not do. Start from one of these: it opens with a
        live count of who matches right now, and nothing happens until you switch it on.
      </EmptyState>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {EXAMPLES.map(({ key, name, about, text }) => (
          <Paper
            key={key}
            component={Link}
            to={`/rules/new?example=${key}`}
            className={classes.example}
            aria-label={`Start from the example: ${name}`}
          >
            <Title order={3}>{name}</Title>
            <Text c="dimmed">{about}</Text>
            <Text ff="monospace" fz={12.5} className={classes.text}>
              {text}
            </Text>
          </Paper>
        ))}
      </SimpleGrid>
    </Stack>
  );
}
