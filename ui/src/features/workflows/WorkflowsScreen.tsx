import { Badge, Group, Table, Text } from '@mantine/core';
import { IconPlus, IconRoute } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { RuleOut, WorkflowOut } from '~/api/generated';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton, RowLink, TextLink } from '~/components/LinkButton';
import { ListTable } from '~/components/ListTable';
import { Loaded } from '~/components/Loaded';
import { PageHeader } from '~/components/PageHeader';
import { SearchedList } from '~/components/SearchedList';
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
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState icon={<IconRoute size={26} />} title="Join a rule and an email" actions={create}>
              A workflow starts when somebody enters a rule. It can wait, send an email and stop. Nothing is
              sent until it is published, and it can be paused at any time.
            </EmptyState>
          ) : (
            <SearchedList
              items={items}
              search={search}
              onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
              label="Search workflows"
              textOf={({ name }) => name}
              none="No workflow has that in its name."
            >
              {(shown) => <WorkflowTable workflows={shown} rules={rules.data?.items ?? []} />}
            </SearchedList>
          )
        }
      </Loaded>
    </>
  );
}

function WorkflowTable({ workflows, rules }: { workflows: WorkflowOut[]; rules: RuleOut[] }) {
  return (
    <ListTable
      heads={[
        'Workflow',
        'Status',
        { right: 'Inside now' },
        { right: 'Completed' },
        { right: 'Sent' },
        'Changed',
      ]}
    >
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
          <Table.Td ta="right" data-label="inside now">
            <TextLink to="/workflows/$id" params={{ id: String(id) }} search={{ tab: 'people' }}>
              {count(stats.active)}
            </TextLink>
          </Table.Td>
          <Table.Td ta="right" data-label="completed">
            {count(stats.completed)}
          </Table.Td>
          <Table.Td ta="right" data-label="sent">
            <TextLink to="/messages" search={{ workflow: id }}>
              {count(stats.sent)}
            </TextLink>
          </Table.Td>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>
            <Time at={updated_at} />
          </Table.Td>
        </Table.Tr>
      ))}
    </ListTable>
  );
}
