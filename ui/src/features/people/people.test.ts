import { describe, expect, it } from 'vitest';
import { aMessage, anEvent } from '../../../tests/makers';
import type { ProfileOut } from '~/api/generated';
import { moments } from '~/features/people/timeline';
import { traitColumns } from '~/features/people/traits';

describe('a timeline', () => {
  const events = [anEvent(9), anEvent(5, { name: 'key_created' })];
  const messages = [aMessage(1, { sent_at: 7_000 }), aMessage(2, { sent_at: 2_000 })];

  it('joins events and messages by time', () => {
    const kinds = moments(events, messages, true).map(({ kind, at }) => [kind, at]);
    expect(kinds).toEqual([
      ['calls', 9_000],
      ['messages', 7_000],
      ['events', 5_000],
      ['messages', 2_000],
    ]);
  });

  it('leaves out messages older than what is read, while there is more to read', () => {
    expect(moments(events, messages, false).map(({ at }) => at)).toEqual([9_000, 7_000, 5_000]);
  });
});

describe('the columns of a list of people', () => {
  const profile = (traits: ProfileOut['traits']): ProfileOut => ({
    kind: 'user',
    id: 'a',
    name: null,
    email: null,
    traits,
    company_id: null,
    first_seen: 0,
    last_seen: 0,
  });

  it('are well-known traits first, then those that most have, without what is shown anyway', () => {
    const found = traitColumns([
      profile({ email: 'a@b.c', zip: '1', city: 'X', plan: 'free', address: { street: 1 } }),
      profile({ name: 'B', city: 'Y' }),
    ]);
    expect(found).toEqual(['plan', 'city', 'zip']);
  });
});
