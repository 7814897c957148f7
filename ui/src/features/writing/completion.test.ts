import { acceptCompletion, currentCompletions, startCompletion } from '@codemirror/autocomplete';
import { EditorView } from '@codemirror/view';
import { afterEach, expect, it, vi } from 'vitest';
import type { CompletionItem } from '~/api/generated';
import { type Ask, ruleCompletion } from '~/features/writing/completion';

const item = (label: string, fields: Partial<CompletionItem>): CompletionItem => ({
  label,
  kind: 'event',
  insert: label,
  start: 0,
  end: 0,
  detail: '',
  ...fields,
});

let view: EditorView | undefined;
afterEach(() => view?.destroy());

function open(text: string, ask: Ask) {
  view = new EditorView({ doc: text, selection: { anchor: text.length }, extensions: [ruleCompletion(ask)] });
  document.body.append(view.dom);
  startCompletion(view);
  return view;
}

it('asks in code points, and puts the chosen item in the place that the server names', async () => {
  // the face is two UTF-16 units and one code point
  const text = 'count of "😀 sale';
  const ask = vi.fn<Ask>(async () => [item('😀 sale 2', { insert: '"😀 sale 2"', start: 9, end: 16 })]);
  const editor = open(text, ask);
  await vi.waitFor(() => expect(currentCompletions(editor.state)).toHaveLength(1));
  expect(ask.mock.calls[0]?.slice(0, 2)).toEqual([text, 16]);
  const list = document.querySelector('[role=listbox]');
  expect(list?.textContent).toContain('😀 sale 2');
  await vi.waitFor(() => {
    acceptCompletion(editor); // what Enter does; the list takes it a moment after it opened
    expect(editor.state.doc.toString()).toBe('count of "😀 sale 2"');
  });
});

it('lets writing go on when the server does not answer', async () => {
  const ask = vi.fn<Ask>(() => Promise.reject(new Error('no network')));
  const editor = open('count of ap', ask);
  await vi.waitFor(() => expect(ask).toHaveBeenCalled());
  expect(currentCompletions(editor.state)).toEqual([]);
  editor.dispatch({ changes: { from: 11, insert: 'i_call' } });
  expect(editor.state.doc.toString()).toBe('count of api_call');
});
