import { describe, expect, it } from 'vitest';
import { aPreview } from '../../../tests/makers';
import { ApiError } from '~/api/errors';
import { NO_PREVIEW, nextPreview, placeOf, previewProblem } from '~/features/templates/preview';

describe('the preview while somebody types', () => {
  const good = aPreview('<p>Hi</p>');

  it('keeps the last good rendering when the code breaks, and says where', () => {
    const shown = nextPreview(NO_PREVIEW, { data: good, error: null });
    const error = new ApiError(400, 'invalid_input', 'Unclosed tag', { where: 'body', line: 12 });
    const broken = nextPreview(shown, { error });
    expect(broken.good).toBe(good);
    expect(broken.problem).toEqual({ message: 'Unclosed tag', where: 'body', line: 12 });
    expect(nextPreview(broken, { data: undefined, error: null })).toBe(broken);
  });

  it('forgets the problem with the next good rendering', () => {
    const broken = nextPreview(NO_PREVIEW, { error: new Error('no') });
    expect(nextPreview(broken, { data: good, error: null })).toEqual({ good, problem: null });
  });

  it('shortens an error that quotes the whole mail', () => {
    const problem = previewProblem(new ApiError(400, 'invalid_input', 'x'.repeat(9_000)));
    expect(problem.message.length).toBeLessThan(500);
  });

  it('names the place as people call it', () => {
    expect(placeOf({ message: '', where: 'body', line: 3 })).toBe('Line 3 of the body');
    expect(placeOf({ message: '', where: 'subject', line: null })).toBe('In the subject');
    expect(placeOf({ message: '', where: 'limits', line: null })).toBe('');
    expect(placeOf({ message: '', where: null, line: null })).toBe('');
  });
});
