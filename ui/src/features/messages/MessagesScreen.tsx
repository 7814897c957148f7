import { Chip, Group, Paper, Select } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import * as read from '~/api/queries';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton } from '~/components/LinkButton';
import { Loaded } from '~/components/Loaded';
import { MoreRows } from '~/components/MoreRows';
import { PageHeader } from '~/components/PageHeader';
import { SearchInput } from '~/components/SearchInput';
import { MESSAGE_STATUSES } from '~/components/StatusBadge';
import { MessageTable } from '~/features/messages/MessageTable';

const route = getRouteApi('/messages');

export function MessagesScreen() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: typeof filter) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const workflows = useQuery(read.workflows);
  const query = useInfiniteQuery(
    read.messages({ status: filter.status, user_id: filter.user, workflow_id: filter.workflow }),
  );
  const filtered = Boolean(filter.status ?? filter.user ?? filter.workflow);
  return (
    <>
      <PageHeader
        title="Messages"
        description="Every message and what became of it, with the stored reason where one was held back."
      />
      <Group gap="xs" mb="sm" role="group" aria-label="Status">
        {MESSAGE_STATUSES.map((status) => (
          <Chip
            key={status}
            size="sm"
            checked={filter.status === status}
            onChange={(checked) => set({ status: checked ? status : undefined })}
          >
            {status}
          </Chip>
        ))}
      </Group>
      <Group gap="sm" mb="md">
        <SearchInput
          label="User id"
          value={filter.user}
          onSearch={(user) => set({ user })}
          style={{ flex: '1 1 200px' }}
          maw={320}
        />
        <Select
          aria-label="Workflow"
          placeholder="Any workflow"
          data={(workflows.data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
          value={filter.workflow === undefined ? null : String(filter.workflow)}
          onChange={(value) => set({ workflow: value === null ? undefined : Number(value) })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Any workflow' }}
          style={{ flex: '1 1 200px' }}
          maw={320}
        />
      </Group>
      <Loaded query={query}>
        {({ pages }) => {
          const found = pages.flatMap(({ items }) => items);
          if (found.length === 0) return <NoMessages filtered={filtered} />;
          return (
            <>
              <Paper p={0} className={query.isPlaceholderData ? 'stale' : undefined}>
                <MessageTable messages={found} />
              </Paper>
              <MoreRows query={query} shown={found.length} noun="message" />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function NoMessages({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <EmptyState icon={<IconSend size={26} />} title="No message like that">
        Take a filter away to see more.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={<IconSend size={26} />}
      title="Nothing was sent yet"
      actions={<LinkButton to="/workflows">Go to the workflows</LinkButton>}
    >
      A message is made when somebody reaches a send step of a published workflow, or when your server asks
      for one with a server key. Each keeps the reason why it was sent, or why not.
    </EmptyState>
  );
}
