import { Checkbox, Group, Stack, Table, Text } from '@mantine/core';
import { IconFilter, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { RuleOut } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink, TextLink } from '~/components/LinkButton';
import { ListTable } from '~/components/ListTable';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchedList } from '~/components/SearchedList';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';
import { EXAMPLES } from '~/features/rules/examples';
import { FillingBadge } from '~/features/rules/Filling';
import { Examples } from '~/features/writing/Examples';
import { Sentence } from '~/features/writing/Sentence';
import { kindCount } from '~/format';

const route = getRouteApi('/rules');

export function RulesScreen() {
  const { search, archived } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(read.rulesWithArchived);
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
          const inUse = items.filter(({ status }) => status !== 'archived');
          return (
            <SearchedList
              items={archived ? items : inUse}
              search={search}
              onSearch={(next) =>
                void navigate({ search: (before) => ({ ...before, search: next }), replace: true })
              }
              label="Search rules"
              textOf={({ name, text }) => `${name} ${text}`}
              none={search ? 'No rule has that in its name or text.' : 'Every rule is archived.'}
              beside={
                inUse.length < items.length && (
                  <Checkbox
                    label="Archived too"
                    checked={archived === 'shown'}
                    onChange={({ currentTarget: { checked } }) =>
                      void navigate({
                        search: (before) => ({ ...before, archived: checked ? 'shown' : undefined }),
                        replace: true,
                      })
                    }
                  />
                )
              }
            >
              {(shown) => <RuleTable rules={shown} />}
            </SearchedList>
          );
        }}
      </Loaded>
    </>
  );
}

function RuleTable({ rules }: { rules: RuleOut[] }) {
  return (
    <ListTable heads={['Rule', 'Status', { right: 'In it now' }, 'Changed']}>
      {rules.map((rule) => (
        <Table.Tr key={rule.id}>
          <Table.Td>
            <RowLink to="/rules/$id" params={{ id: String(rule.id) }}>
              {rule.name}
            </RowLink>
            <Sentence text={rule.sentence} size="xs" c="dimmed" lineClamp={3} />
          </Table.Td>
          <Table.Td>
            <Group gap={6}>
              <StatusBadge status={rule.status} />
              <FillingBadge rule={rule} />
            </Group>
          </Table.Td>
          <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
            {rule.status === 'active' ? (
              <TextLink to="/rules/$id" params={{ id: String(rule.id) }} search={{ tab: 'members' }}>
                {kindCount(rule.members, rule.subject_kind)}
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
    </ListTable>
  );
}

function NoRules() {
  return (
    <Stack gap="lg">
      <EmptyState icon={<IconFilter size={26} />} title="Write your first rule">
        A rule is a sentence about what somebody did, or did not do. Start from one of these: it opens with a
        live count of who matches right now, and nothing happens until you switch it on.
      </EmptyState>
      <Examples examples={EXAMPLES} path="/rules/new" columns={3} />
    </Stack>
  );
}
