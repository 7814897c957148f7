import { useMutation } from '@tanstack/react-query';
import { body } from '~/api/client';
import { type ComputedTraitOut, createComputedTrait, updateComputedTrait } from '~/api/generated';
import * as read from '~/api/queries';
import { useDraft } from '~/components/useDraft';
import { type Example, draftOf, started } from '~/features/writing/written';

/** A computed trait's draft against the revision it was read at. */
export function useComputedDraft(trait: ComputedTraitOut | null, start?: Example) {
  const kept = useDraft({
    stored: trait,
    draftOf,
    blank: started(),
    start: started(start),
    one: read.computedTrait,
    all: ['computed', 'list'],
  });
  const { base, draft, take, takeLatest } = kept;
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
    onSuccess: take,
  });
  const reload = async () => {
    await takeLatest();
    save.reset();
  };
  return { ...kept, save, reload };
}
