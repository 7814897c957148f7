import { type FetchQueryOptions, type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

interface Made {
  id: number;
  revision: number;
}

interface DraftOf<T, D, K extends QueryKey> {
  stored: T | null; // null for a new one
  draftOf: (made: T) => D;
  blank: D; // a new one of which nothing is written yet
  start?: D | undefined; // what a new one opens with, where that is not blank
  one: (id: number) => FetchQueryOptions<T, Error, T, K>;
  all: QueryKey; // what else shows it, to be read anew after a save
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * What is being written, against what is stored. `base` is that as it was read: its revision goes with each save, so
 * that a newer one is never overwritten, even when the page behind the editor refreshes.
 */
export function useDraft<T extends Made, D, K extends QueryKey>(options: DraftOf<T, D, K>) {
  const { stored, draftOf, blank, start = blank, one, all } = options;
  const queries = useQueryClient();
  const [base, setBase] = useState(stored);
  const [draft, setDraft] = useState(() => (stored === null ? start : draftOf(stored)));
  const written = base === null ? blank : draftOf(base);
  const edit = (change: Partial<D>) => setDraft((before) => ({ ...before, ...change }));
  /** Goes on from what was saved. */
  const take = async (saved: T) => {
    setBase(saved);
    setDraft(draftOf(saved));
    queries.setQueryData<unknown>(one(saved.id).queryKey, saved);
    await queries.invalidateQueries({ queryKey: all });
  };
  /** Goes on from what is stored now, without what was written here. */
  const takeLatest = async () => {
    if (base !== null) await take(await queries.fetchQuery({ ...one(base.id), staleTime: 0 }));
  };
  return { base, draft, setDraft, edit, written, changed: !same(draft, written), take, takeLatest };
}
