import { Button, Center, Paper, Stack } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import { listEvents } from '~/api/generated';
import { Problem } from '~/components/Problem';
import { EventList } from '~/features/events/EventList';
import { type EventFilter, filterQuery } from '~/features/events/feed';

/** History below the live feed, fetched page by page on request; starts at the offset that the feed then ended with. */
export function OlderEvents({ filter, before }: { filter: EventFilter; before: number }) {
  const [start, setStart] = useState<number | null>(null);
  const query = useInfiniteQuery({
    queryKey: ['events', 'older', filter, start],
    queryFn: ({ pageParam }) =>
      body(
        listEvents({
          query: { ...filterQuery(filter), limit: 200, before_offset: pageParam },
          throwOnError: true,
        }),
      ),
    enabled: start !== null,
    initialPageParam: start ?? 0,
    getNextPageParam: (page) => page.next_before ?? undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const events = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const more = start === null || query.hasNextPage;
  return (
    <Stack gap="sm">
      {events.length > 0 && (
        <Paper p={0} style={{ overflow: 'hidden' }}>
          <EventList events={events} />
        </Paper>
      )}
      {query.isError && <Problem error={query.error} retry={() => void query.refetch()} />}
      {more && (
        <Center>
          <Button
            variant="default"
            size="xs"
            loading={query.isFetching}
            onClick={() => (start === null ? setStart(before) : void query.fetchNextPage())}
          >
            Show older events
          </Button>
        </Center>
      )}
    </Stack>
  );
}
