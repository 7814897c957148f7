import { Badge, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { IconPlus, IconRoute } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { RuleOut, WorkflowOut } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink, TextLink } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchInput } from '~/components/SearchInput';
import { StatusBadge } from '~/components/StatusBadge';
import { Time } from '~/components/Time';
import { triggerText } from '~/features/workflows/triggerText';
import { count } from '~/format';

const route = getRouteApi('/workflows');

export function WorkflowsScreen() {
  const { search } = route.useSearch();
  const navigate = route.useNavigate();
  const query = useQuery(read.workflows);
  const rules = useQuery(read.rules);
  const create = (
    <LinkButton to="/workflows/$id" params={{ id: 'new' }} leftSection={<IconPlus size={16} />}>
      New workflow
    </LinkButton>
  );
  return (
    <>
      <PageHeader
        title="Workflows"
        description="What happens when somebody enters a rule, leaves it, or does something: wait, write, stop."
        actions={create}
      />
      <Loaded query={query}>
        {({ items }) => {
          if (items.length === 0) {
            return (
              <EmptyState icon={<IconRoute size={26} />} title="Join a rule and an email" actions={create}>
                A workflow starts when somebody enters a rule. It can wait, send an email and stop. Nothing is
                sent until it is published, and it can be paused at any time.
              </EmptyState>
            );
          }
          const wanted = search?.toLowerCase() ?? '';
          const shown = items.filter(({ name }) => name.toLowerCase().includes(wanted));
          return (
            <Stack>
              <SearchInput
                label="Search workflows"
                value={search}
                onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
                maw={360}
              />
              {shown.length === 0 ? (
                <Text c="dimmed">No workflow has that in its name.</Text>
              ) : (
                <Paper p={0}>
                  <WorkflowTable workflows={shown} rules={rules.data?.items ?? []} />
                </Paper>
              )}
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}

function WorkflowTable({ workflows, rules }: { workflows: WorkflowOut[]; rules: RuleOut[] }) {
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Workflow</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">Inside now</Table.Th>
            <Table.Th ta="right">Completed</Table.Th>
            <Table.Th ta="right">Sent</Table.Th>
            <Table.Th>Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {workflows.map(({ id, name, status, definition, changed, problems, stats, updated_at }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <RowLink to="/workflows/$id" params={{ id: String(id) }}>
                  {name}
                </RowLink>
                <Text size="xs" c="dimmed">
                  {triggerText(definition.trigger, rules)}
                </Text>
              </Table.Td>
              <Table.Td>
                <Group gap={6} wrap="nowrap">
                  <StatusBadge status={status} />
                  {changed && status !== 'draft' && <Badge color="amber">draft differs</Badge>}
                  {problems.length > 0 && <Badge color="red">needs work</Badge>}
                </Group>
              </Table.Td>
              <Table.Td ta="right">
                <TextLink to="/workflows/$id" params={{ id: String(id) }} search={{ tab: 'people' }}>
                  {count(stats.active)}
                </TextLink>
              </Table.Td>
              <Table.Td ta="right">{count(stats.completed)}</Table.Td>
              <Table.Td ta="right">
                <TextLink to="/messages" search={{ workflow: id }}>
                  {count(stats.sent)}
                </TextLink>
              </Table.Td>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>
                <Time at={updated_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
