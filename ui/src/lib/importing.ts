/** What an import found and did, in words: pure functions of what the server says. */
import type { AddedSource, FoundSource, ImportNow, LeftOut } from './api/types';
import { timeLeft, whole } from './format';

/** "1 document", "1,204 entries". */
export function plural(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${whole(count)} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}

/** What a state is called while it lasts. */
export function doing({ state, name, waiting }: ImportNow): string {
  if (waiting) return 'Another inkling command writes to the corpus: waiting for it to end.';
  if (state === 'sending') return `Copying ${name}`;
  if (state === 'reading') return `Reading ${name}`;
  return `Adding ${name}`;
}

/** How far it is: "42 %, 1,204 messages, about 2 min left". */
export function progress({ share, messages, seconds_left }: ImportNow): string {
  return [
    share === null ? '' : `${Math.floor(100 * share)} %`,
    messages ? plural(messages, 'message') : '',
    timeLeft(seconds_left),
  ].filter(Boolean).join(', ');
}

/** "1,204 messages in 1 chat, 34,120 characters, 2024-01-12 to 2024-03-01". */
export function foundSentence(found: FoundSource): string {
  const parts = [
    found.documents ? plural(found.documents, 'document') : '',
    found.dialogs ? plural(found.dialogs, 'dialog') : '',
    found.chats ? `${plural(found.messages, 'message')} in ${plural(found.chats, 'chat')}` : '',
  ].filter(Boolean);
  if (parts.length === 0) return 'Nothing that can be read.';
  return [...parts, plural(found.characters, 'character'), dates(found)].filter(Boolean).join(', ');
}

function dates({ first, last }: FoundSource): string {
  if (!first || !last) return '';
  const [from, to] = [first.slice(0, 10), last.slice(0, 10)];
  return from === to ? from : `${from} to ${to}`;
}

/** The same of several: what all of them hold together. */
export function foundTogether(found: readonly FoundSource[]): string {
  const sum = (field: 'documents' | 'dialogs' | 'chats' | 'messages' | 'characters'): number =>
    found.reduce((all, one) => all + one[field], 0);
  const dated = found.filter(({ first, last }) => first && last);
  const all = foundSentence({
    ...found[0]!,
    documents: sum('documents'), dialogs: sum('dialogs'), chats: sum('chats'), messages: sum('messages'),
    characters: sum('characters'),
    first: dated.map(({ first }) => first!).sort()[0] ?? null,
    last: dated.map(({ last }) => last!).sort().at(-1) ?? null,
  });
  const left = found.reduce((all, { left_out }) => all + total(left_out), 0);
  return `${plural(found.length, 'source')}: ${all}${left ? `; left out: ${whole(left)}` : ''}`;
}

/** What was found and where it comes from: "WhatsApp chat with Cleo", "notes and 2 more (Text files)". */
export function titles({ titles, title }: FoundSource, shown = 3): string {
  const more = titles.length > shown ? ` and ${whole(titles.length - shown)} more` : '';
  const said = titles.slice(0, shown).join(', ') + more;
  if (!said) return title;
  return said.toLowerCase().includes(title.toLowerCase()) ? said : `${said} (${title})`;
}

/** "4 messages in 1 dialog, 96 characters (2 messages were there already)". */
export function addedSentence(added: AddedSource): string {
  const { documents, conversations, messages, characters } = added;
  const kept: string[] = [];
  if (documents) kept.push(plural(documents, 'document'));
  if (messages) {
    const dialogs = conversations ? ` in ${plural(conversations, 'dialog')}` : '';
    kept.push(plural(messages, 'message') + dialogs);
  } else if (conversations) kept.push(plural(conversations, 'dialog'));
  if (characters) kept.push(plural(characters, 'character'));
  const there: string[] = [];
  if (added.already_there) there.push(whole(added.already_there));
  if (added.messages_there) there.push(plural(added.messages_there, 'message'));
  const before = there.length ? ` (${there.join(' and ')} already there)` : '';
  return (kept.join(', ') || 'nothing new') + before;
}

/** The same of several: what was added of all of them together. */
export function addedTogether(added: readonly AddedSource[]): string {
  const sum = (field: 'documents' | 'conversations' | 'messages' | 'characters' | 'already_there' | 'messages_there'): number =>
    added.reduce((all, one) => all + one[field], 0);
  const all = addedSentence({
    ...added[0]!,
    documents: sum('documents'), conversations: sum('conversations'), messages: sum('messages'),
    characters: sum('characters'), already_there: sum('already_there'), messages_there: sum('messages_there'),
  });
  const left = added.reduce((all, { left_out }) => all + total(left_out), 0);
  return `${plural(added.length, 'source')}: ${all}${left ? `; left out: ${whole(left)}` : ''}`;
}

/** Whether it looks as if the author's name were wrong in it: nobody should have to unfold that. */
export const misnamed = ({ none_mine, all_mine }: AddedSource): boolean =>
  none_mine.length + all_mine.length > 0;

/** More sources than that are folded: nobody reads them all before the button. */
export const UNFOLDED = 5;

/** What an import changed of what was there, a sentence each. */
export function changes(added: AddedSource): string[] {
  const said: string[] = [];
  const { extended, messages_changed: changed, replaced, cut } = added;
  if (extended) said.push(`${plural(extended, 'dialog')} extended by new messages.`);
  if (changed) said.push(`${plural(changed, 'message')} corrected.`);
  if (replaced) said.push(`${plural(replaced, 'older version')} replaced: kept, but no longer learned.`);
  if (cut) said.push(`${plural(cut, 'passage')} cut out: removed earlier with forget.`);
  const odd: [string[], string][] = [
    [added.none_mine, 'none of the messages is yours'],
    [added.all_mine, 'all messages are yours, and nobody else speaks'],
  ];
  for (const [chats, wrong] of odd) {
    if (chats.length === 0) continue;
    const named = chats.slice(0, 3).join(', ') + (chats.length > 3 ? ' …' : '');
    said.push(
      `In ${plural(chats.length, 'chat')} ${wrong} (${named}). Is your name right? In a terminal: inkling corpus who.`,
    );
  }
  return said;
}

export const total = (reasons: readonly LeftOut[]): number =>
  reasons.reduce((sum, { count }) => sum + count, 0);

/** Names or addresses typed one behind the other: "Ada; ada@example.org". */
export const names = (typed: string): string[] =>
  typed.split(';').map((name) => name.trim()).filter(Boolean);

/**
 * Who is chosen to be the author, by importer; or the first source in which nobody is who must be.
 * A name that was chosen holds in all sources of its importer.
 */
export function answer(
  found: readonly FoundSource[],
  isChosen: (importer: string, name: string) => boolean,
): { me: Record<string, string[]>; missing: FoundSource | null } {
  const me: Record<string, string[]> = {};
  let missing: FoundSource | null = null;
  for (const source of found) {
    if (source.ask === 'no') continue;
    const names = source.people.map(({ name }) => name).filter((name) => isChosen(source.importer, name));
    if (source.ask === 'must' && names.length === 0) missing ??= source;
    me[source.importer] = [...new Set([...(me[source.importer] ?? []), ...names])];
  }
  return { me, missing };
}
