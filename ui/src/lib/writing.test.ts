import { describe, expect, it } from 'vitest';
import { characters, MAX_CHARACTERS, tooLong } from './writing';

describe('characters', () => {
  it('counts code points, as Python does', () => {
    for (const text of ['', 'a', 'né', '🐖', '👨‍👩‍👧', 'a\ud800', '\udc00\ud800b', 'שלום']) {
      expect(characters(text)).toBe([...text].length);
    }
  });
});

describe('tooLong', () => {
  it('says nothing up to the limit, and how much is too much beyond it', () => {
    expect(tooLong('🐖'.repeat(MAX_CHARACTERS))).toBe('');
    expect(tooLong('a'.repeat(MAX_CHARACTERS + 12))).toBe(
      'Too long to send: 20,012 characters, at most 20,000. Shorten it by 12.',
    );
  });
});
