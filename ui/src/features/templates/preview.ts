/** The preview's state: the last good rendering stays while somebody is in the middle of typing. */
import { ApiError, messageOf } from '~/api/errors';
import type { TemplatePreview } from '~/api/generated';

export interface PreviewProblem {
  message: string;
  where: string | null; // subject | preview_text | body | text | limits
  line: number | null; // from 1, within that field
}

export interface PreviewState {
  good: TemplatePreview | null;
  problem: PreviewProblem | null;
}

export const NO_PREVIEW: PreviewState = { good: null, problem: null };

export interface PreviewAnswer {
  data?: TemplatePreview;
  error: unknown;
}

const MOST = 400; // an error of the template engine can quote the whole mail

export function previewProblem(error: unknown): PreviewProblem {
  const whole = messageOf(error);
  const message = whole.length > MOST ? `${whole.slice(0, MOST)}…` : whole;
  if (!(error instanceof ApiError)) return { message, where: null, line: null };
  const { where, line } = error.details;
  return {
    message,
    where: typeof where === 'string' ? where : null,
    line: typeof line === 'number' ? line : null,
  };
}

/** What to show after an answer: a good one replaces everything, a bad one keeps the last good one and says why. */
export function nextPreview(before: PreviewState, { data, error }: PreviewAnswer): PreviewState {
  if (error !== null && error !== undefined) return { good: before.good, problem: previewProblem(error) };
  return data ? { good: data, problem: null } : before;
}

const FIELDS: Record<string, string> = {
  subject: 'the subject',
  preview_text: 'the preview text',
  body: 'the body',
  text: 'the plain text',
};

/** "Line 12 of the body", or an empty string when the place is not known. */
export function placeOf({ where, line }: PreviewProblem): string {
  const field = where === null ? 'the body' : (FIELDS[where] ?? '');
  if (field === '') return '';
  return line === null ? (where === null ? '' : `In ${field}`) : `Line ${line} of ${field}`;
}
