/** What is done to replies that are there: choosing a variant, correcting one, taking that back. */
import { chooseVariant, correctReply, undoCorrection } from '../api/chats';
import { adopt, textOf, type Bubble } from './bubbles.svelte';
import { chats, sentenceFor } from './chats.svelte';
import { conversation } from './conversation.svelte';

const UNLEARNED =
  'Corrected here, but no training will learn it: this pair was removed from the corpus before.';

export async function choose(bubble: Bubble, version: number): Promise<void> {
  const before = bubble.chosen;
  if (conversation.busy || version < 0 || version >= bubble.versions.length) return;
  bubble.chosen = version;
  bubble.note = '';
  conversation.announcement = textOf(bubble);
  if (!conversation.keeps || conversation.id === null || bubble.position === null) return;
  try {
    await chooseVariant(conversation.id, bubble.position, version);
  } catch (error) {
    bubble.chosen = before;
    bubble.note = sentenceFor(error);
  }
}

/** Correct a reply for good. True where the server took it. */
export function correct(bubble: Bubble, text: string): Promise<boolean> {
  return change(bubble, async (id, position) => {
    const found = await correctReply(id, position, text);
    adopt(bubble, found);
    bubble.note = found.learned ? '' : UNLEARNED;
    conversation.announcement = found.learned ? 'Corrected. It is now a training pair.' : UNLEARNED;
  });
}

export function undo(bubble: Bubble): Promise<boolean> {
  return change(bubble, async (id, position) => {
    adopt(bubble, await undoCorrection(id, position));
    bubble.note = conversation.announcement = 'Undone. The reply is as the model generated it.';
  });
}

async function change(
  bubble: Bubble,
  action: (id: number, position: number) => Promise<void>,
): Promise<boolean> {
  const { id } = conversation;
  const { position } = bubble;
  if (id === null || position === null) return false;
  bubble.note = '';
  try {
    await action(id, position);
  } catch (error) {
    bubble.note = sentenceFor(error);
    return false;
  }
  void chats.refresh();
  return true;
}
