/** Which view is shown: the part of the address behind `#/`. */

export const VIEWS = ['chat', 'training'] as const;
export type View = (typeof VIEWS)[number];

function read(): View | null {
  const name = location.hash.replace(/^#\/?/, '').split('?')[0];
  return VIEWS.find((view) => view === name) ?? null;
}

class Route {
  /** Null until the address names a view, or `begin` has chosen one. */
  view = $state<View | null>(read());

  constructor() {
    addEventListener('hashchange', () => (this.view = read() ?? this.view));
  }

  /** Show a view without leaving a step in the history. */
  begin(view: View): void {
    history.replaceState(null, '', `#/${view}`);
    this.view = view;
  }
}

export const route = new Route();
