/** The live feed's state: what arrived, what waits while paused, what is left out to keep the page quick. */
import type { EventOut } from '~/api/generated';

export const KEPT = 5_000;

export interface EventFilter {
  name?: string;
  user?: string;
  text?: string;
}

export interface Feed {
  events: EventOut[]; // newest first
  waiting: EventOut[]; // arrived while paused, newest first
  paused: boolean;
  skipped: number; // left out by the server because this page was slow
}

export type FeedAction =
  | { kind: 'loaded'; events: EventOut[] }
  | { kind: 'arrived'; events: EventOut[] } // oldest first, as the stream gives them
  | { kind: 'skipped'; count: number }
  | { kind: 'pause' }
  | { kind: 'resume' };

export const EMPTY_FEED: Feed = { events: [], waiting: [], paused: false, skipped: 0 };

/** Both lists in one, newest first, each offset once (a stream that reconnects repeats its last events). */
export function merge(newer: EventOut[], older: EventOut[]): EventOut[] {
  if (newer.length === 0) return older;
  const seen = new Set<number>();
  return [...newer, ...older]
    .filter(({ offset }) => !seen.has(offset) && seen.add(offset))
    .sort((a, b) => b.offset - a.offset)
    .slice(0, KEPT);
}

export function feedReducer(feed: Feed, action: FeedAction): Feed {
  switch (action.kind) {
    case 'loaded':
      return { ...feed, events: merge(feed.events, action.events) };
    case 'arrived': {
      const newest = [...action.events].reverse();
      return feed.paused
        ? { ...feed, waiting: merge(newest, feed.waiting) }
        : { ...feed, events: merge(newest, feed.events) };
    }
    case 'skipped':
      return { ...feed, skipped: feed.skipped + action.count };
    case 'pause':
      return { ...feed, paused: true };
    case 'resume':
      return { ...feed, paused: false, waiting: [], events: merge(feed.waiting, feed.events) };
  }
}

export function filterQuery({ name, user, text }: EventFilter) {
  return { name, user_id: user, search: text };
}

/** What an event says in one line: "GET /v1/items → 400" for a call, its properties for anything else. */
export function summary(event: EventOut): string {
  const { method, route, path, status, latency_ms } = event.properties;
  if (event.name === 'api_call') {
    const took = typeof latency_ms === 'number' ? ` · ${Math.round(latency_ms)} ms` : '';
    return `${String(method ?? '')} ${String(route ?? path ?? '')} → ${String(status ?? '?')}${took}`.trim();
  }
  return Object.entries(event.properties)
    .slice(0, 4)
    .map(([key, value]) => `${key}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' · ');
}

/** The status of a call as a number, or undefined for any other event. */
export function callStatus(event: EventOut): number | undefined {
  const { status } = event.properties;
  return event.name === 'api_call' && typeof status === 'number' ? status : undefined;
}
