import { describe, expect, it } from 'vitest';
import { ApiError } from '~/api/errors';
import { textProblem } from '~/features/writing/textProblem';

const refused = (position: number, expected: string[] = []) =>
  new ApiError(400, 'rule_syntax', 'Not understood', { position, line: 1, column: position + 1, expected });

describe('where a rule goes wrong', () => {
  it('underlines the word that stands at the position', () => {
    const text = 'count of api_call were status = 400';
    const problem = textProblem(refused(18, ['where', 'in the last']), text);
    expect(text.slice(problem?.from, problem?.to)).toBe('were');
    expect(problem?.expected).toEqual(['where', 'in the last']);
  });

  it('underlines a quoted name as a whole', () => {
    const text = 'plan = "free plan" oops';
    const problem = textProblem(refused(7), text);
    expect(text.slice(problem?.from, problem?.to)).toBe('"free plan"');
  });

  it('underlines the last character when something is missing at the end', () => {
    const text = 'count of api_call >=  ';
    const problem = textProblem(refused(text.length), text);
    expect(text.slice(problem?.from, problem?.to)).toBe('=');
  });

  it('counts code points as the server does, not UTF-16 units', () => {
    const text = 'plan = "🚀🚀" wrong';
    const problem = textProblem(refused(12), text);
    expect(text.slice(problem?.from, problem?.to)).toBe('wrong');
  });

  it('never points outside the text', () => {
    expect(textProblem(refused(99), 'plan')).toMatchObject({ from: 3, to: 4 });
    expect(textProblem(refused(-1), '')).toMatchObject({ from: 0, to: 0 });
  });

  it('leaves every other failure alone', () => {
    expect(textProblem(new ApiError(503, 'unavailable', 'Later'), 'plan')).toBeNull();
    expect(textProblem(new Error('?'), 'plan')).toBeNull();
  });
});
