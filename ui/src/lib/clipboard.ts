/** Put a text on the clipboard; true where that worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP from another machine there is no clipboard API: the older way.
  }
  const box = document.createElement('textarea');
  const before = document.activeElement;
  box.value = text;
  box.className = 'hidden';
  document.body.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
