import { describe, expect, it } from 'vitest';
import { choice, filters, number, parseSearch, stringifySearch, text } from '~/search';

describe('filters in the URL', () => {
  it('survive the way into the address and back', () => {
    const search = { name: 'api_call', text: 'a&b = "ü"', page: 3 };
    const read = filters({ name: text, text, page: number })(parseSearch(stringifySearch(search)));
    expect(read).toEqual(search);
  });

  it('leave no trace when they are empty', () => {
    expect(stringifySearch({ name: undefined, user: '', text: null })).toBe('');
  });

  it('keep text that looks like a number as text', () => {
    expect(filters({ user: text })(parseSearch('?user=0042'))).toEqual({ user: '0042' });
  });

  it('drop what is malformed or unknown, so that an old link still opens', () => {
    const read = filters({ tab: choice('rule', 'members'), id: number });
    expect(read(parseSearch('?tab=gone&id=12x&other=1'))).toEqual({ tab: undefined, id: undefined });
  });
});
