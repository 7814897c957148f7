import { useEffect, useReducer, useState } from 'react';
import { body } from '~/api/client';
import { type EventOut, listEvents } from '~/api/generated';
import { EMPTY_FEED, type EventFilter, feedReducer, filterQuery } from '~/features/events/feed';
import { stringifySearch } from '~/search';

export type Connection = 'connecting' | 'open' | 'lost';

const EVERY_MS = 120; // arrivals are shown together this often: a busy feed costs a few renders a second

/**
 * The newest events and then everything that arrives, both already filtered by the server.
 * A component that changes its filter is to be remounted (`key`): a feed belongs to one filter.
 */
export function useFeed({ name, user, text }: EventFilter) {
  const [feed, act] = useReducer(feedReducer, EMPTY_FEED);
  const [connection, setConnection] = useState<Connection>('connecting');
  const [error, setError] = useState<unknown>(null);
  const [loaded, setLoaded] = useState(false);

  useEffect(() => {
    const query = filterQuery({ name, user, text });
    const abort = new AbortController();
    let arrived: EventOut[] = [];

    const stream = new EventSource(`/api/events/live${stringifySearch(query)}`);
    stream.onopen = () => {
      setConnection('open');
      // Read after the stream is open: what arrives in between is in both, and kept once.
      body(listEvents({ query: { ...query, limit: 100 }, signal: abort.signal, throwOnError: true }))
        .then((page) => {
          act({ kind: 'loaded', events: page.items });
          setError(null);
        })
        .catch((failure: unknown) => {
          if (!abort.signal.aborted) setError(failure);
        })
        .finally(() => {
          if (!abort.signal.aborted) setLoaded(true);
        });
    };
    stream.onerror = () => setConnection('lost');
    stream.addEventListener('event', (event) => arrived.push(JSON.parse(event.data as string) as EventOut));
    stream.addEventListener('skipped', (event) => {
      const { count } = JSON.parse((event as MessageEvent<string>).data) as { count: number };
      act({ kind: 'skipped', count });
    });
    const timer = setInterval(() => {
      if (arrived.length === 0) return;
      act({ kind: 'arrived', events: arrived });
      arrived = [];
    }, EVERY_MS);
    return () => {
      abort.abort();
      stream.close();
      clearInterval(timer);
    };
  }, [name, user, text]);

  return { feed, act, connection, error, loaded };
}
