import { screen, waitFor } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { aPreview } from '../../../tests/makers';
import { show } from '../../../tests/page';
import { ApiError } from '~/api/errors';
import { previewTemplate } from '~/api/generated';
import { PreviewPane } from '~/features/templates/PreviewPane';
import { STARTER } from '~/features/templates/starter';
import { usePreview } from '~/features/templates/usePreview';

vi.mock('~/api/generated', async (original) => ({
  ...(await original<object>()),
  previewTemplate: vi.fn(),
  listUsers: vi.fn(() => Promise.resolve({ data: { items: [], next_cursor: null, total: 0 } })),
}));

function Pane({ body }: { body: string }) {
  const preview = usePreview({ ...STARTER, body }, null);
  return <PreviewPane preview={preview} user={null} setUser={() => undefined} />;
}

beforeEach(() => {
  vi.mocked(previewTemplate).mockImplementation((({
    body: request,
  }: {
    body: { content: { body: string } };
  }) =>
    request.content.body.includes('broken')
      ? Promise.reject(new ApiError(400, 'invalid_input', 'Unclosed tag', { where: 'body', line: 2 }))
      : Promise.resolve({
          data: aPreview(`<p>${request.content.body}</p>`),
        })) as unknown as typeof previewTemplate);
});

it('goes on showing the last good mail while the code is broken', async () => {
  const frame = () => screen.getByTitle<HTMLIFrameElement>(/Preview of the email/);
  const { update } = show(<Pane body="one" />);
  await screen.findByTitle(/Preview of the email/);
  expect(frame().srcdoc).toBe('<p>one</p>');

  update(<Pane body="broken" />);
  await screen.findByText('Line 2 of the body');
  expect(frame().srcdoc).toBe('<p>one</p>');

  update(<Pane body="two" />);
  await waitFor(() => expect(frame().srcdoc).toBe('<p>two</p>'));
  expect(screen.queryByText('Line 2 of the body')).toBeNull();
});

it('gives the mail neither scripts nor an origin', async () => {
  show(<Pane body="one" />);
  const frame = await screen.findByTitle(/Preview of the email/);
  expect(frame.getAttribute('sandbox')).toBe('');
});
