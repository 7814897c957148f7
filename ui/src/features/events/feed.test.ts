import { describe, expect, it } from 'vitest';
import { anEvent } from '../../../tests/makers';
import { EMPTY_FEED, type Feed, KEPT, callStatus, feedReducer, merge, summary } from '~/features/events/feed';

const offsets = (feed: Feed) => feed.events.map(({ offset }) => offset);
const arrive = (feed: Feed, ...numbers: number[]) =>
  feedReducer(feed, { kind: 'arrived', events: numbers.map((offset) => anEvent(offset)) });

describe('the live feed', () => {
  it('shows the newest first, whatever order the stream and the first page come in', () => {
    const streamed = arrive(EMPTY_FEED, 7, 8);
    const feed = feedReducer(streamed, { kind: 'loaded', events: [anEvent(6), anEvent(5)] });
    expect(offsets(feed)).toEqual([8, 7, 6, 5]);
  });

  it('keeps an event once that the page and a reconnected stream both bring', () => {
    const feed = feedReducer(arrive(EMPTY_FEED, 5, 6), { kind: 'loaded', events: [anEvent(6), anEvent(5)] });
    expect(offsets(arrive(feed, 6, 7))).toEqual([7, 6, 5]);
  });

  it('holds still while paused and loses nothing when it goes on', () => {
    const paused = arrive(feedReducer(arrive(EMPTY_FEED, 1), { kind: 'pause' }), 2, 3);
    expect(offsets(paused)).toEqual([1]);
    expect(paused.waiting).toHaveLength(2);
    const resumed = feedReducer(paused, { kind: 'resume' });
    expect(offsets(resumed)).toEqual([3, 2, 1]);
    expect(resumed.waiting).toEqual([]);
  });

  it('keeps the newest few thousand only', () => {
    const many = Array.from({ length: KEPT + 10 }, (_, offset) => anEvent(KEPT + 10 - offset));
    const kept = merge([anEvent(KEPT + 11)], many);
    expect(kept).toHaveLength(KEPT);
    expect(kept[0]?.offset).toBe(KEPT + 11);
  });

  it('adds up what the server left out', () => {
    const once = feedReducer(EMPTY_FEED, { kind: 'skipped', count: 3 });
    expect(feedReducer(once, { kind: 'skipped', count: 4 }).skipped).toBe(7);
  });
});

describe('an event in one line', () => {
  it('is the call with its answer', () => {
    const event = anEvent(1, {
      properties: { method: 'POST', route: '/v1/charges', status: 402, latency_ms: 12.4 },
    });
    expect(summary(event)).toBe('POST /v1/charges → 402 · 12 ms');
    expect(callStatus(event)).toBe(402);
  });

  it('is the first properties of anything else', () => {
    const event = anEvent(1, { name: 'key_created', properties: { scope: 'read', tags: ['a'] } });
    expect(summary(event)).toBe('scope: read · tags: ["a"]');
    expect(callStatus(event)).toBeUndefined();
  });
});
