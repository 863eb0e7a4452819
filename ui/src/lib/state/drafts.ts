/**
 * What was typed and not sent, a chat a draft: kept for this tab, over views and reloads. That of a
 * private chat is only in memory.
 */
const KEY = 'inkling.drafts';

/** A kept chat's number, or one of the two that have none. */
export type DraftOf = number | 'new' | 'private';

function stored(): Record<string, string> {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '{}');
    const entries = Object.entries(Object(found) as Record<string, unknown>);
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return {}; // forbidden, or not ours
  }
}

let privately = '';

export function draftOf(chat: DraftOf): string {
  return chat === 'private' ? privately : (stored()[chat] ?? '');
}

export function keepDraft(chat: DraftOf, text: string): void {
  if (chat === 'private') {
    privately = text;
    return;
  }
  const drafts = stored();
  if (text) drafts[chat] = text;
  else delete drafts[chat];
  try {
    sessionStorage.setItem(KEY, JSON.stringify(drafts));
  } catch {
    // full or forbidden: the draft is lost with a reload, nothing else
  }
}
