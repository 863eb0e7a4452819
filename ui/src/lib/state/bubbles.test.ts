import { describe, expect, it } from 'vitest';
import type { Chat, VariantRow } from '../api/types';
import { adopt, beginVersion, Bubbles, dropIfEmpty, originOf, settle, textOf } from './bubbles.svelte';

const variant = (text: string): VariantRow => ({
  text, created: '', corrected: false, run: 'tiny', step: 5, seed: '7', settings: null,
});

const chat = (...texts: string[]): Chat => ({
  chat: {
    id: 1, title: '', created: '', updated: '', run: null, source: 'page', messages: 0,
    corrections: 0, excerpt: null,
  },
  messages: texts.map((text, position) => ({
    position, role: position % 2 ? 'assistant' : 'user', chosen: 0, variants: [variant(text)],
  })),
  replying: null,
});

function asked(question: string, reply: string): Bubbles {
  const bubbles = new Bubbles();
  bubbles.add('you', question);
  beginVersion(bubbles.add('model')).text = reply;
  return bubbles;
}

describe('a reply', () => {
  it('is busy until it is settled, and says then what generated it', () => {
    const bubbles = asked('soup?', '');
    expect(bubbles.busy).toBe(true);
    const reply = bubbles.last!;
    settle(reply, reply.versions[0]!, { done: true, position: 1, seed: '9', run: 'tiny', step: 3 });
    reply.state = 'done';
    expect(bubbles.busy).toBe(false);
    expect(reply.position).toBe(1);
    expect(originOf(reply)).toMatchObject({ run: 'tiny', step: 3, seed: '9' });
    expect(originOf(bubbles.list[0]!)).toBeNull();
  });

  it('of which nothing came gives way to the one before, but never leaves none', () => {
    const bubbles = asked('soup?', 'yes');
    const reply = bubbles.last!;
    dropIfEmpty(reply, beginVersion(reply), 0);
    expect([textOf(reply), reply.versions.length]).toEqual(['yes', 1]);
    const only = asked('soup?', '').last!;
    dropIfEmpty(only, only.versions[0]!, 0);
    expect(only.versions.length).toBe(1);
  });
});

describe('history', () => {
  it('is what was said before, with the roles of a request and without empty texts', () => {
    const bubbles = asked('soup?', 'yes');
    bubbles.add('you', '');
    bubbles.add('you', 'why?');
    expect(bubbles.history(bubbles.question)).toEqual([
      { role: 'user', content: 'soup?' },
      { role: 'assistant', content: 'yes' },
    ]);
  });
});

describe('what the server stored', () => {
  it('takes the place of what was seen, by its position', () => {
    const bubbles = new Bubbles();
    bubbles.load(chat('soup?', 'yes').messages);
    adopt(bubbles.last!, chat('soup?', 'no'));
    expect(textOf(bubbles.last!)).toBe('no');
  });

  it('by another page is shown too, and what never arrived stays at the end', () => {
    const bubbles = new Bubbles();
    bubbles.load(chat('soup?', 'yes').messages);
    bubbles.add('you', 'lost?');
    bubbles.renew(chat('soup?', 'yes', 'why?', 'so').messages);
    expect(bubbles.list.map(textOf)).toEqual(['soup?', 'yes', 'why?', 'so', 'lost?']);
    const before = bubbles.list;
    bubbles.renew(chat('soup?', 'yes', 'why?', 'so').messages);
    expect(bubbles.list).toBe(before);
  });

  it('of a stopped reply is never less than what was shown', () => {
    const longer = asked('soup?', 'ye');
    longer.reconcile(longer.last!, chat('soup?', 'yes'));
    expect([textOf(longer.last!), longer.last!.position]).toEqual(['yes', 1]);
    const other = asked('soup?', 'yes');
    other.reconcile(other.last!, chat('soup?', 'ye'));
    expect(textOf(other.last!)).toBe('yes');
  });

  it('of a reply that never began still says that the question arrived', () => {
    const bubbles = asked('soup?', '');
    bubbles.reconcile(bubbles.last!, chat('soup?'));
    expect(bubbles.list[0]!.position).toBe(0);
    expect(bubbles.last!.position).toBeNull();
  });
});
