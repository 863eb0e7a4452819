/**
 * One tab stop for a list: up and down go from item to item (`data-item`), left and right through
 * what can be done with one. Tab leads out again.
 *
 * Knows: which element of the list Tab stops at. Does not know what the items are.
 */
const TOOLS = 'button:not(:disabled), a[href], summary';

export function roving(list: HTMLElement): { destroy: () => void } {
  let stop: HTMLElement | undefined;

  const items = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>('[data-item]')];
  const toolsOf = (item: HTMLElement): HTMLElement[] =>
    [...item.querySelectorAll<HTMLElement>(TOOLS)].filter((tool) => !tool.closest('form'));
  const itemOf = (element: Element): HTMLElement | null => element.closest('[data-item]');

  function settle(): void {
    const all = items();
    const focused = list.contains(document.activeElement);
    // What comes last is what is talked about, unless somebody is reading elsewhere.
    if (!stop?.isConnected || !focused) stop = all.at(-1);
    for (const item of all) {
      for (const element of [item, ...toolsOf(item)]) {
        const index = element === stop ? 0 : -1;
        if (element.tabIndex !== index || !element.hasAttribute('tabindex')) element.tabIndex = index;
      }
    }
  }

  function onFocus(event: FocusEvent): void {
    const target = event.target as HTMLElement;
    if (target.closest('form')) return;
    stop = target;
    settle();
  }

  function onKeydown(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const item = itemOf(target);
    if (!item || target.closest('form') || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = items();
    const row = [item, ...toolsOf(item)];
    const at = all.indexOf(item);
    const next: Record<string, HTMLElement | undefined> = {
      ArrowUp: all[at - 1],
      ArrowDown: all[at + 1],
      Home: all[0],
      End: all.at(-1),
      ArrowLeft: row[row.indexOf(target) - 1],
      ArrowRight: row[row.indexOf(target) + 1],
    };
    if (!(event.key in next)) return;
    event.preventDefault();
    next[event.key]?.focus();
  }

  const observer = new MutationObserver(settle);
  observer.observe(list, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled', 'data-item'] });
  list.addEventListener('focusin', onFocus);
  list.addEventListener('keydown', onKeydown);
  settle();
  return {
    destroy(): void {
      observer.disconnect();
      list.removeEventListener('focusin', onFocus);
      list.removeEventListener('keydown', onKeydown);
    },
  };
}
