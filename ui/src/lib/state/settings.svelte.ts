/** Sampling settings and the theme; kept in this browser. */

type Theme = 'auto' | 'light' | 'dark';
const KEY = 'inkling.settings';
const THEMES: Theme[] = ['auto', 'light', 'dark'];

interface Saved {
  temperature?: number;
  topK?: number;
  theme?: Theme;
}

function read(): Saved {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Saved;
  } catch {
    return {}; // storage is off or holds something else: begin with the defaults
  }
}

function within(value: unknown, low: number, high: number, otherwise: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : otherwise;
}

class Settings {
  temperature = $state(0.5);
  topK = $state(25);
  theme = $state<Theme>('auto');

  constructor() {
    const saved = read();
    this.temperature = within(saved.temperature, 0.1, 2, 0.5);
    this.topK = within(saved.topK, 1, 200, 25);
    this.theme = THEMES.includes(saved.theme as Theme) ? (saved.theme as Theme) : 'auto';
  }

  nextTheme(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] as Theme;
  }

  save(): void {
    const { temperature, topK, theme } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ temperature, topK, theme }));
    } catch {
      // a full or forbidden storage only means that the next visit begins with the defaults
    }
  }
}

export const settings = new Settings();
