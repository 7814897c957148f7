import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { body } from '~/api/client';
import { type ComputedTraitOut, createComputedTrait, updateComputedTrait } from '~/api/generated';
import * as read from '~/api/queries';
import type { FormulaExample } from '~/features/computed/examples';

interface Draft {
  name: string;
  description: string;
  text: string;
  subject_kind: ComputedTraitOut['subject_kind'];
}

const draftOf = (trait: ComputedTraitOut | null, start?: FormulaExample): Draft => ({
  name: trait?.name ?? start?.name ?? '',
  description: trait?.description ?? start?.about ?? '',
  text: trait?.text ?? start?.text ?? '',
  subject_kind: trait?.subject_kind ?? start?.subject_kind ?? 'user',
});

/** What is being written, against what is stored; the revision that was read goes with each save. */
export function useComputedDraft(trait: ComputedTraitOut | null, start?: FormulaExample) {
  const queries = useQueryClient();
  const [base, setBase] = useState(trait);
  const [draft, setDraft] = useState(() => draftOf(trait, start));
  const stored = draftOf(base);
  const changed =
    base === null
      ? draft.text.trim() !== '' || draft.name.trim() !== ''
      : draft.description !== stored.description || draft.text !== stored.text;
  const save = useMutation({
    mutationFn: (): Promise<ComputedTraitOut> => {
      const { name, description, text, subject_kind } = draft;
      if (base === null) {
        const made = { name: name.trim(), description, text, subject_kind };
        return body(createComputedTrait({ body: made, throwOnError: true }));
      }
      const change = { description, text, revision: base.revision };
      return body(updateComputedTrait({ path: { trait_id: base.id }, body: change, throwOnError: true }));
    },
    onSuccess: async (saved) => {
      setBase(saved);
      setDraft(draftOf(saved));
      queries.setQueryData(read.computedTrait(saved.id).queryKey, saved);
      await queries.invalidateQueries({ queryKey: ['computed', 'list'] });
    },
  });
  const reload = async () => {
    if (base === null) return;
    const latest = await queries.fetchQuery({ ...read.computedTrait(base.id), staleTime: 0 });
    save.reset();
    setBase(latest);
    setDraft(draftOf(latest));
  };
  const edit = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  return { base, draft, edit, changed, save, reload };
}
