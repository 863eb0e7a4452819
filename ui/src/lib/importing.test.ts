import { describe, expect, it } from 'vitest';
import type { AddedSource, FoundSource, ImportNow } from './api/types';
import { addedSentence, addedTogether, answer, changes, doing, foundSentence, foundTogether, plural, progress, titles, total } from './importing';

const FOUND: FoundSource = {
  source: 'chat.txt', importer: 'whatsapp', title: 'WhatsApp', titles: ['WhatsApp chat with Cleo'],
  documents: 0, dialogs: 0, chats: 1, groups: 0, messages: 1204, characters: 34120,
  first: '2024-01-12T10:11:00', last: '2024-03-01T09:00:00',
  people: [{ name: 'Ada', messages: 700, me: false }, { name: 'Cleo', messages: 504, me: false }],
  more_people: 0, ask: 'must', masked: [{ kind: 'mail', meaning: 'mail addresses', count: 2 }], looked_through: 999, samples: [], left_out: [], notes: [], drafts: false, there: false,
};
const ADDED: AddedSource = {
  source: 'chat.txt', found: 4, kept: 4, documents: 0, conversations: 1, messages: 4, characters: 96,
  already_there: 0, messages_there: 0, messages_changed: 0, extended: 0, replaced: 0, cut: 0,
  left_out: [], notes: [], none_mine: [], all_mine: [],
};
const NOW: ImportNow = {
  id: '1', state: 'reading', name: 'chat.txt', share: 0.425, seconds_left: 130, messages: 1204,
  waiting: false, found: [], added: [], error: null, takes: [],
  said: { source: null, encoding: null, me: [] }, readings: 0,
};

describe('what was found', () => {
  it('is counted, with its dates', () => {
    expect(foundSentence(FOUND)).toBe(
      '1,204 messages in 1 chat, 34,120 characters, 2024-01-12 to 2024-03-01',
    );
    const posts = { ...FOUND, chats: 0, messages: 0, documents: 1, dialogs: 2, last: '2024-01-12' };
    expect(foundSentence(posts)).toBe('1 document, 2 dialogs, 34,120 characters, 2024-01-12');
    expect(foundSentence({ ...posts, first: null })).toBe('1 document, 2 dialogs, 34,120 characters');
    expect(foundSentence({ ...posts, documents: 0, dialogs: 0 })).toBe('Nothing that can be read.');
  });

  it('is counted together where it is several', () => {
    const post = { ...FOUND, chats: 0, messages: 0, documents: 1, characters: 880, first: null, last: '2025-05-01' };
    expect(foundTogether([FOUND, post, { ...FOUND, first: '2023-12-24', left_out: [{ reason: 'a', count: 2, example: 'b' }] }])).toBe(
      '3 sources: 1 document, 2,408 messages in 2 chats, 69,120 characters, 2023-12-24 to 2024-03-01; left out: 2',
    );
    expect(addedTogether([ADDED, { ...ADDED, already_there: 2 }])).toBe(
      '2 sources: 8 messages in 2 dialogs, 192 characters (2 already there)',
    );
  });

  it('is called what it is, and where it comes from unless that says it', () => {
    expect(titles(FOUND)).toBe('WhatsApp chat with Cleo');
    expect(titles({ ...FOUND, title: 'Text files', titles: ['a', 'b', 'c', 'd', 'e'] })).toBe(
      'a, b, c and 2 more (Text files)',
    );
    expect(titles({ ...FOUND, titles: [] })).toBe('WhatsApp');
  });
});

describe('how far it is', () => {
  it('says what is known', () => {
    expect(progress(NOW)).toBe('42 %, 1,204 messages, about 2 min left');
    expect(progress({ ...NOW, share: null, messages: 0, seconds_left: null })).toBe('');
  });

  it('says what is done, and what it waits for', () => {
    expect(doing(NOW)).toBe('Reading chat.txt');
    expect(doing({ ...NOW, state: 'sending' })).toBe('Copying chat.txt');
    expect(doing({ ...NOW, state: 'adding' })).toBe('Adding chat.txt');
    expect(doing({ ...NOW, waiting: true })).toContain('waiting');
  });
});

describe('what was added', () => {
  it('is what is new, and what was there', () => {
    expect(addedSentence(ADDED)).toBe('4 messages in 1 dialog, 96 characters');
    expect(addedSentence({ ...ADDED, conversations: 0, messages: 1, messages_there: 4 })).toBe(
      '1 message, 96 characters (4 messages already there)',
    );
    expect(addedSentence({ ...ADDED, messages: 0, documents: 2, already_there: 3 })).toBe(
      '2 documents, 1 dialog, 96 characters (3 already there)',
    );
    const none = { ...ADDED, messages: 0, conversations: 0, characters: 0 };
    expect(addedSentence(none)).toBe('nothing new');
  });

  it('tells what changed, and asks where nobody or everybody is the author', () => {
    expect(changes(ADDED)).toEqual([]);
    const said = changes({
      ...ADDED, extended: 1, messages_changed: 2, replaced: 1, cut: 1,
      none_mine: ['a', 'b', 'c', 'd'], all_mine: ['e'],
    });
    expect(said).toHaveLength(6);
    expect(said[2]).toBe('1 older version replaced: kept, but no longer learned.');
    expect(said[4]).toContain('In 4 chats none of the messages is yours (a, b, c …)');
    expect(said[5]).toContain('In 1 chat all messages are yours');
  });

  it('is left out by reason', () => {
    expect(total([{ reason: 'a', count: 2, example: '' }, { reason: 'b', count: 3, example: '' }])).toBe(5);
  });
});

describe('who the author is', () => {
  const other = { ...FOUND, source: 'other.txt', people: [{ name: 'Ada', messages: 1, me: false }] };

  it('holds in all sources of an importer, and is missed where it must be said', () => {
    expect(answer([FOUND, other], () => false)).toEqual({ me: { whatsapp: [] }, missing: FOUND });
    const ada = (importer: string, name: string): boolean => importer === 'whatsapp' && name === 'Ada';
    expect(answer([FOUND, other], ada)).toEqual({ me: { whatsapp: ['Ada'] }, missing: null });
    const cleo = (_: string, name: string): boolean => name === 'Cleo';
    expect(answer([FOUND, other], cleo)).toEqual({ me: { whatsapp: ['Cleo'] }, missing: other });
  });

  it('may be left out where it is known, or where nobody has to be', () => {
    expect(answer([{ ...FOUND, ask: 'no' }], () => true)).toEqual({ me: {}, missing: null });
    expect(answer([{ ...FOUND, ask: 'maybe' }], () => false).missing).toBeNull();
  });
});

it('counts in words', () => {
  expect([plural(1, 'entry'), plural(2, 'entry'), plural(1204, 'message'), plural(0, 'chat')]).toEqual([
    '1 entry', '2 entries', '1,204 messages', '0 chats',
  ]);
});
