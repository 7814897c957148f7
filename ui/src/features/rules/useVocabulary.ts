import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { body } from '~/api/client';
import { listEvents } from '~/api/generated';
import * as read from '~/api/queries';
import type { Vocabulary } from '~/features/rules/language';

const EXPECTED_OF_CALLS = ['method', 'route', 'status', 'latency_ms', 'error_code'];

/** Names, properties and traits out of the newest events and profiles, for completion. */
export function useVocabulary(kind: read.Kind): Vocabulary {
  const events = useQuery({
    queryKey: ['events', 'vocabulary'],
    queryFn: () => body(listEvents({ query: { limit: 500 }, throwOnError: true })),
    staleTime: 60_000,
  });
  const people = useInfiniteQuery({ ...read.people(kind, {}), staleTime: 60_000 });
  return useMemo(() => {
    const items = events.data?.items ?? [];
    const profiles = people.data?.pages.flatMap((page) => page.items) ?? [];
    const sorted = (names: string[]) => [...new Set(names)].sort();
    return {
      events: sorted(['api_call', ...items.map(({ name }) => name)]),
      properties: sorted([
        ...EXPECTED_OF_CALLS,
        ...items.flatMap(({ properties }) => Object.keys(properties)),
      ]),
      traits: sorted(profiles.flatMap(({ traits }) => Object.keys(traits))),
    };
  }, [events.data, people.data]);
}
