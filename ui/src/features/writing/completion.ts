/** Completion while a rule or formula is written: the server says what may stand at the cursor. */
import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { body } from '~/api/client';
import { type CompletionItem, type RuleOut, completeRule } from '~/api/generated';

/** Asks for what may stand at `position`, an offset in code points. */
export type Ask = (text: string, position: number, signal: AbortSignal) => Promise<CompletionItem[]>;

const TYPES: Record<CompletionItem['kind'], string> = {
  keyword: 'keyword',
  operator: 'keyword',
  unit: 'keyword',
  event: 'class',
  property: 'property',
  value: 'constant',
  trait: 'variable',
  segment: 'namespace',
};

export const askServer =
  (subject_kind: RuleOut['subject_kind'], language: 'rule' | 'formula' = 'rule'): Ask =>
  async (text, position, signal) => {
    const { items } = await body(
      completeRule({ body: { text, position, subject_kind, language }, signal, throwOnError: true }),
    );
    return items;
  };

/** The editor counts in UTF-16 units, the server in code points. */
const points = (text: string) => [...text].length;
const units = (text: string, position: number) => [...text].slice(0, position).join('').length;

/** Offers what the server says, as soon as something is typed, or when asked for with Ctrl-Space. */
export function ruleCompletion(ask: Ask) {
  const source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    if (!context.explicit && !context.matchBefore(/[\w.$*"/:<>=!-]+/)) return null;
    const text = context.state.doc.toString();
    const stop = new AbortController();
    context.addEventListener('abort', () => stop.abort(), { onDocChange: true });
    let items: CompletionItem[];
    try {
      items = await ask(text, points(text.slice(0, context.pos)), stop.signal);
    } catch {
      return null; // writing goes on without it; what is wrong with the text or the server is told elsewhere
    }
    const first = items[0];
    if (first === undefined || context.aborted) return null;
    return {
      from: units(text, first.start),
      to: units(text, first.end),
      filter: false,
      options: items
        .filter(({ start, end }) => start === first.start && end === first.end)
        .map(({ label, insert, kind, detail }) => ({
          label,
          apply: insert,
          type: TYPES[kind],
          detail: detail === '' ? kind : `${kind} of ${detail}`,
        })),
    };
  };
  return autocompletion({ override: [source], icons: false, activateOnTypingDelay: 60 });
}
