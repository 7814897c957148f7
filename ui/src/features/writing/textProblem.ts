/** Where a rule's text goes wrong, from the server's answer to what the editor underlines. */
import { ApiError } from '~/api/errors';

export interface TextProblem {
  from: number;
  to: number;
  message: string;
  expected: string[];
}

/**
 * The place to underline for a `rule_syntax` answer, or null for any other failure.
 *
 * The position is a 0-based offset in code points (the server counts as Python does), the editor's are UTF-16 units.
 * The word that stands there is underlined; at the end of the text, the last character.
 */
export function textProblem(error: unknown, text: string): TextProblem | null {
  if (!(error instanceof ApiError) || error.code !== 'rule_syntax') return null;
  const { position, expected } = error.details;
  const points = [...text];
  const at = typeof position === 'number' ? Math.max(0, Math.min(position, points.length)) : points.length;
  const start = points.slice(0, at).join('').length;
  const word = /^(?:"[^"]*"?|[\w.$*-]+|\S)/.exec(text.slice(start));
  const from = word ? start : Math.max(0, text.trimEnd().length - 1);
  const to = word ? start + word[0].length : Math.max(from, text.trimEnd().length);
  return {
    from,
    to,
    message: error.message,
    expected: Array.isArray(expected) ? expected.map(String) : [],
  };
}
