/** Sampling settings and the theme; kept in this browser. A seed is not: it would surprise. */
import type { Sampling } from '../api/client';

type Theme = 'auto' | 'light' | 'dark';
const KEY = 'inkling.settings';
const THEMES: Theme[] = ['auto', 'light', 'dark'];

interface Saved {
  temperature?: number;
  topK?: number;
  topP?: number;
  maxTokens?: number;
  drafts?: number;
  theme?: Theme;
}

function read(): Saved {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? '{}') as Saved | null) ?? {};
  } catch {
    return {}; // storage is off or holds something else: begin with the defaults
  }
}

function within(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : otherwise;
}

class Settings {
  temperature = $state(0.5);
  /** 0 is off. */
  topK = $state(25);
  /** 1 is off. */
  topP = $state(1);
  maxTokens = $state(180);
  /** Of each reply; the surest is said. */
  drafts = $state(16);
  /** Digits, or nothing: each reply then draws its own. */
  seed = $state('');
  theme = $state<Theme>('auto');

  constructor() {
    const saved = read();
    this.temperature = within(saved.temperature, 0.1, 2, 0.5);
    this.topK = within(saved.topK, 0, 200, 25);
    this.topP = within(saved.topP, 0.05, 1, 1);
    this.maxTokens = within(saved.maxTokens, 20, 1000, 180);
    this.drafts = within(saved.drafts, 1, 32, 16);
    this.theme = THEMES.includes(saved.theme as Theme) ? (saved.theme as Theme) : 'auto';
  }

  get sampling(): Sampling {
    const { temperature, topK, topP, maxTokens, drafts, seed } = this;
    const drawn = { temperature, top_k: topK, top_p: topP, max_tokens: maxTokens, best_of: drafts };
    return seed === '' ? drawn : { ...drawn, seed };
  }

  nextTheme(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] as Theme;
  }

  save(): void {
    const { temperature, topK, topP, maxTokens, drafts, theme } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ temperature, topK, topP, maxTokens, drafts, theme }));
    } catch {
      // a full or forbidden storage only means that the next visit begins with the defaults
    }
  }
}

export const settings = new Settings();
