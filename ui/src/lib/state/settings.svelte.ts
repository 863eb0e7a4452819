/**
 * Sampling settings, the theme, the model that was chosen. What was changed here is kept in this
 * browser; the rest is as the server says. A seed is not kept: it would surprise.
 */
import type { PageDefaults, Sampling } from '../api/types';

type Theme = 'auto' | 'light' | 'dark';
const KEY = 'inkling.settings';
const THEMES: Theme[] = ['auto', 'light', 'dark'];

/** Inkling's own defaults, until the server says those of its workspace. */
const OWN: PageDefaults = {
  temperature: 0.5, top_k: 25, top_p: 1, max_tokens: 180, memory: 0.6, best_of: 32,
};
const RANGES: Record<keyof PageDefaults, [number, number]> = {
  temperature: [0, 5],
  top_k: [0, Infinity],
  top_p: [0.01, 1],
  max_tokens: [1, 2000],
  memory: [0, 1],
  best_of: [1, 32],
};
const NAMES = Object.keys(OWN) as (keyof PageDefaults)[];
/** What a browser that was here before kept: every slider, moved or not. There was no memory. */
const FLAT: Partial<Record<keyof PageDefaults, string>> = {
  temperature: 'temperature', top_k: 'topK', top_p: 'topP', max_tokens: 'maxTokens', best_of: 'drafts',
};

/** The model that replies in a workspace, and the newer run that was not wanted. */
export interface KeptModel {
  run: string;
  step: number | null;
  declined: string | null;
}

interface Saved {
  changed: Partial<PageDefaults>;
  theme: Theme;
  /** By the workspace's name: several may be served at one address, one after the other. */
  models: Record<string, KeptModel>;
}

/** What is kept, as far as it can be used: storage may be off or hold anything. */
export function restore(text: string | null): Saved {
  let found: Record<string, unknown> = {};
  try {
    found = Object(JSON.parse(text ?? '{}')) as Record<string, unknown>;
  } catch {
    // not ours: begin with the defaults
  }
  const old = !('changed' in found);
  const values = old ? found : (Object(found.changed) as Record<string, unknown>);
  const changed: Partial<PageDefaults> = {};
  for (const name of NAMES) {
    const value = values[old ? (FLAT[name] ?? '') : name];
    const [low, high] = RANGES[name];
    if (typeof value !== 'number' || !(value >= low && value <= high)) continue;
    if (!old || value !== OWN[name]) changed[name] = value;
  }
  const theme = THEMES.find((one) => one === found.theme) ?? 'auto';
  return { changed, theme, models: keptModels(found.models) };
}

function keptModels(found: unknown): Record<string, KeptModel> {
  const models: Record<string, KeptModel> = {};
  for (const [workspace, each] of Object.entries(Object(found) as Record<string, unknown>)) {
    const { run, step, declined } = Object(each) as Record<string, unknown>;
    if (typeof run !== 'string') continue;
    models[workspace] = {
      run,
      step: typeof step === 'number' ? step : null,
      declined: typeof declined === 'string' ? declined : null,
    };
  }
  return models;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // forbidden: every visit begins with the defaults
  }
}

class Settings {
  defaults = $state.raw<PageDefaults>(OWN);
  /** Digits, or nothing: each reply then has a random one. */
  seed = $state('');
  theme = $state<Theme>('auto');
  models = $state.raw<Record<string, KeptModel>>({});
  private changed = $state<Partial<PageDefaults>>({});

  constructor() {
    this.take(stored());
    // What is changed or reset in another tab is so here, instead of coming back from here.
    globalThis.addEventListener?.('storage', (event) => {
      if (event.key === KEY) this.take(event.newValue);
    });
  }

  private take(text: string | null): void {
    const { changed, theme, models } = restore(text);
    this.changed = changed;
    this.theme = theme;
    this.models = models;
  }

  /** Whether anything is not as the server says. */
  get isChanged(): boolean {
    return this.seed !== '' || Object.keys(this.changed).length > 0;
  }

  /** Back to what the server says. */
  reset(): void {
    this.changed = {};
    this.seed = '';
  }

  value(name: keyof PageDefaults): number {
    return this.changed[name] ?? this.defaults[name];
  }

  /** Back at its default, a setting follows the server again. */
  change(name: keyof PageDefaults, value: number): void {
    if (value === this.defaults[name]) delete this.changed[name];
    else this.changed[name] = value;
  }

  get sampling(): Sampling {
    const sampling: Sampling = { ...this.defaults, ...this.changed };
    return this.seed === '' ? sampling : { ...sampling, seed: this.seed };
  }

  nextTheme(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] as Theme;
  }

  save(): void {
    const { changed, theme, models } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ changed, theme, models }));
    } catch {
      // a full or forbidden storage only means that the next visit begins with the defaults
    }
  }
}

export const settings = new Settings();
