/**
 * Which view is shown, and which chat: the address behind `#/`, such as `#/chat/7`. With
 * `?run=NAME` (and `&step=N`) it also asks for a model to reply.
 */
import type { ModelChoice } from '../api/types';

export const VIEWS = ['chat', 'training', 'writing', 'inside'] as const;
export type View = (typeof VIEWS)[number];

function read(): { view: View | null; chat: number | null } {
  const [name, detail] = location.hash.replace(/^#\/?/, '').split('?')[0]!.split('/');
  const view = VIEWS.find((one) => one === name) ?? null;
  return { view, chat: view === 'chat' && /^\d{1,15}$/.test(detail ?? '') ? Number(detail) : null };
}

/** The model that the address asks for. */
function wanted(): ModelChoice | null {
  const query = new URLSearchParams(location.hash.split('?')[1] ?? '');
  const run = query.get('run');
  const step = Number(query.get('step') ?? NaN);
  if (read().view !== 'chat' || !run) return null;
  return Number.isSafeInteger(step) ? { run, step } : { run };
}

class Route {
  /** Null until the address names a view, or `begin` has chosen one. */
  view = $state<View | null>(read().view);
  /** The kept chat that is open; null for one that is new or kept nowhere. */
  chat = $state<number | null>(read().chat);
  /** The model that the address asks for, until somebody has seen to it. */
  model = $state.raw<ModelChoice | null>(wanted());

  constructor() {
    addEventListener('hashchange', () => {
      const now = read();
      this.view = now.view ?? this.view;
      if (now.view === 'chat') this.chat = now.chat;
      this.model = wanted();
    });
  }

  /** Where the Chat view is: with the chat that is open there. */
  get chatAddress(): string {
    return this.chat === null ? '#/chat' : `#/chat/${this.chat}`;
  }

  /** Where the open chat goes on with a model. */
  talkTo(run: string): string {
    return `${this.chatAddress}?run=${encodeURIComponent(run)}`;
  }

  /** Show a view without leaving a step in the history, unless the address names one by now: it may
   * have changed just before this, and says so only after. */
  begin(view: View): void {
    const named = read().view;
    if (named === null) history.replaceState(null, '', `#/${view}`);
    this.view = named ?? view;
  }

  /** Name the chat that is shown, without leaving a step in the history. */
  name(chat: number | null): void {
    this.chat = chat;
    if (this.view === 'chat') history.replaceState(null, '', this.chatAddress);
  }
}

export const route = new Route();
