import { Alert, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { IconActivity, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { EmptyState } from '~/components/EmptyState';
import { LinkButton } from '~/components/LinkButton';
import { PageHeader } from '~/components/PageHeader';
import { Problem } from '~/components/Problem';
import { SearchInput } from '~/components/SearchInput';
import { EventList } from '~/features/events/EventList';
import { type EventFilter, KEPT } from '~/features/events/feed';
import { type Connection, useFeed } from '~/features/events/useFeed';
import { OlderEvents } from '~/features/events/OlderEvents';
import { count, plural } from '~/format';

const route = getRouteApi('/events');

export function EventsScreen() {
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const set = (change: EventFilter) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <>
      <PageHeader
        title="Live events"
        description="Every call and event within a second of its arrival. Filters stay in the address: share it to share the view."
      />
      <Group mb="md" gap="sm" align="flex-end">
        <SearchInput
          label="Event name"
          value={filter.name}
          onSearch={(name) => set({ name })}
          style={{ flex: '1 1 170px' }}
        />
        <SearchInput
          label="User id"
          value={filter.user}
          onSearch={(user) => set({ user })}
          style={{ flex: '1 1 170px' }}
        />
        <SearchInput
          label="Text in names, ids and properties"
          value={filter.text}
          onSearch={(text) => set({ text })}
          style={{ flex: '2 1 240px' }}
        />
      </Group>
      <Feed key={JSON.stringify([filter.name, filter.user, filter.text])} filter={filter} />
    </>
  );
}

const STATES: Record<Connection, string> = {
  connecting: 'Connecting …',
  open: 'Live',
  lost: 'Connection lost, trying again …',
};

function Feed({ filter }: { filter: EventFilter }) {
  const { feed, act, connection, error, loaded } = useFeed(filter);
  const { events, waiting, paused, skipped } = feed;
  const filtered = Boolean(filter.name ?? filter.user ?? filter.text);
  const last = events.at(-1);
  return (
    <Stack gap="sm">
      <Group justify="space-between" mih={36}>
        <Group gap={10} role="status">
          <span
            className="live-dot"
            data-state={paused ? 'paused' : connection === 'lost' ? 'lost' : undefined}
            aria-hidden="true"
          />
          <Text fw={550}>{paused ? 'Paused' : STATES[connection]}</Text>
          {events.length > 0 && (
            <Text c="dimmed" className="numeric">
              {plural(events.length, 'event')}
              {events.length >= KEPT && ' kept'}
            </Text>
          )}
        </Group>
        {paused ? (
          <Button
            size="xs"
            leftSection={<IconPlayerPlay size={15} />}
            onClick={() => act({ kind: 'resume' })}
          >
            {waiting.length > 0 ? `Resume and show ${count(waiting.length)} new` : 'Resume'}
          </Button>
        ) : (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerPause size={15} />}
            onClick={() => act({ kind: 'pause' })}
          >
            Pause
          </Button>
        )}
      </Group>
      {skipped > 0 && (
        <Alert color="amber">
          {plural(skipped, 'event')} came faster than this page could take and were left out here. All of them
          are stored and evaluated.
        </Alert>
      )}
      {error !== null && <Problem error={error} />}
      {!loaded && events.length === 0 && error === null && <Skeleton h={240} radius="md" />}
      {loaded && events.length === 0 && <Nothing filtered={filtered} />}
      {events.length > 0 && (
        <Paper p={0} style={{ overflow: 'hidden' }}>
          <EventList events={events} />
        </Paper>
      )}
      {loaded && last && <OlderEvents filter={filter} before={last.offset} />}
    </Stack>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <EmptyState icon={<IconActivity size={26} />} title="Nothing matches so far">
      Matching events will appear here as they arrive. The user filter takes a whole id; the text filter looks
      inside names, ids and properties.
    </EmptyState>
  ) : (
    <EmptyState
      icon={<IconActivity size={26} />}
      title="Waiting for events"
      actions={
        <LinkButton to="/" variant="light">
          Show me the code to send one
        </LinkButton>
      }
    >
      Send a call or an event from your API and it appears here at once. Each line opens to the whole event.
    </EmptyState>
  );
}
