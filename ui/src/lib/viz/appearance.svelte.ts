/** Changes when the page's colours do: what is drawn on a canvas is then drawn again. */
import { settings } from '../state/settings.svelte';

class Appearance {
  private system = $state(false);

  constructor() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.system = dark.matches;
    dark.addEventListener('change', () => (this.system = dark.matches));
  }

  get key(): string {
    return `${settings.theme} ${this.system}`;
  }
}

export const appearance = new Appearance();
