import { expect, it } from 'vitest';
import { reasonInWords } from '~/features/messages/reasons';

it('says why a message was held back', () => {
  expect(reasonInWords('unsubscribed').title).toBe('They have unsubscribed');
});

it('says a reason that it does not know by its name', () => {
  expect(reasonInWords('quiet_hours')).toEqual({ title: 'Quiet hours', text: '' });
});
