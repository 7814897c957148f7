import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { show } from '../../../tests/page';
import { TextEditor } from '~/features/writing/TextEditor';
import type { TextCheck } from '~/features/writing/useTextCheck';

const sound: TextCheck<unknown> = {
  empty: false,
  problem: null,
  failure: null,
  sentence: 'made calls',
  preview: undefined,
  previewFailure: null,
  stale: true,
  checked: true,
};
const editor = (check: TextCheck<unknown>) => (
  <TextEditor
    label="Rule"
    description=""
    placeholder=""
    text="count of api_call were"
    onChange={() => undefined}
    check={check}
    ask={() => Promise.resolve([])}
  />
);

it('says what is wrong and what was expected, and marks the place', async () => {
  const problem = { from: 18, to: 22, message: 'I do not know “were”', expected: ['where', '>='] };
  const { container, update } = show(editor({ ...sound, checked: false, problem }));
  expect(screen.getByText('I do not know “were”')).toBeTruthy();
  expect(screen.getByText('where, >=')).toBeTruthy();
  expect(container.querySelector('.cm-lintRange-error')?.textContent).toBe('were');
  expect(screen.getByRole('textbox').getAttribute('aria-invalid')).toBe('true');

  update(editor(sound));
  expect(screen.queryByText('I do not know “were”')).toBeNull();
  expect(container.querySelector('.cm-lintRange-error')).toBeNull();
});

it('leaves out of the sentence what is listed in full below it', () => {
  const expected = ['!=', '<', '>', 'where'];
  const message = '\'were\' cannot stand here. Expected !=, < or 2 others. Did you mean "where"?';
  show(editor({ ...sound, checked: false, problem: { from: 18, to: 22, message, expected } }));
  expect(screen.getByText('\'were\' cannot stand here. Did you mean "where"?')).toBeTruthy();
  expect(screen.getByText('!=, <, >, where')).toBeTruthy();
});
