import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import type { ComputedTraitOut } from '~/api/generated';
import * as read from '~/api/queries';
import { ruleProblem } from '~/features/rules/ruleProblem';

/**
 * A formula's text as the server understands it, a moment after the last key: its sentence or its problem, and the
 * values that it gives. `stale` while what is shown belongs to an older text.
 */
export function useFormulaCheck(text: string, subject_kind: ComputedTraitOut['subject_kind']) {
  const [settled] = useDebouncedValue(text, 220);
  const empty = settled.trim() === '';
  const source = { text: settled, subject_kind };
  const parsed = useQuery({ ...read.formulaParse(source), enabled: !empty });
  const sound = parsed.isSuccess && !parsed.isPlaceholderData && !empty;
  const preview = useQuery({ ...read.formulaPreview(source), enabled: sound, refetchInterval: 15_000 });
  const current = settled === text;
  const problem = current && parsed.isError ? ruleProblem(parsed.error, text) : null;
  return {
    empty: text.trim() === '',
    problem,
    failure: parsed.isError && problem === null && current ? parsed.error : null,
    sentence: parsed.data?.sentence,
    preview: preview.data,
    previewFailure: preview.isError ? preview.error : null,
    stale: !current || !sound || preview.isPlaceholderData || preview.isError || preview.data === undefined,
    checked: current && sound,
  };
}

export type FormulaCheck = ReturnType<typeof useFormulaCheck>;
