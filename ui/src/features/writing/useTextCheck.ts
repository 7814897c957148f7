import { useDebouncedValue } from '@mantine/hooks';
import { type QueryKey, type UseQueryOptions, useQuery } from '@tanstack/react-query';
import type { Kind } from '~/api/queries';
import * as read from '~/api/textQueries';
import { textProblem } from '~/features/writing/textProblem';

interface Source {
  text: string;
  subject_kind: Kind;
}

type Read<T, K extends QueryKey> = (source: Source) => UseQueryOptions<T, Error, T, K>;

/**
 * A rule's or a formula's text as the server understands it, a moment after the last key: its sentence or its problem,
 * and what it comes to now. `stale` while what is shown belongs to an older text.
 */
function useTextCheck<S extends { sentence: string }, P, A extends QueryKey, B extends QueryKey>(
  text: string,
  subject_kind: Kind,
  parse: Read<S, A>,
  preview: Read<P, B>,
) {
  const [settled] = useDebouncedValue(text, 220);
  const empty = settled.trim() === '';
  const source = { text: settled, subject_kind };
  const parsed = useQuery({ ...parse(source), enabled: !empty });
  const sound = parsed.isSuccess && !parsed.isPlaceholderData && !empty;
  const found = useQuery({ ...preview(source), enabled: sound, refetchInterval: 15_000 });
  const current = settled === text;
  const problem = current && parsed.isError ? textProblem(parsed.error, text) : null;
  return {
    empty: text.trim() === '',
    problem,
    failure: parsed.isError && problem === null && current ? parsed.error : null,
    sentence: parsed.data?.sentence,
    preview: found.data,
    previewFailure: found.isError ? found.error : null,
    stale: !current || !sound || found.isPlaceholderData || found.isError || found.data === undefined,
    checked: current && sound,
  };
}

/** What is known of a text while it is written; `P` is what it comes to. */
export type TextCheck<P> = Omit<ReturnType<typeof useTextCheck>, 'preview'> & { preview: P | undefined };

/** A rule's text, and who matches. */
export const useRuleCheck = (text: string, kind: Kind) =>
  useTextCheck(text, kind, read.ruleParse, read.rulePreview);

/** A formula's text, and the values that it gives. */
export const useFormulaCheck = (text: string, kind: Kind) =>
  useTextCheck(text, kind, read.formulaParse, read.formulaPreview);
