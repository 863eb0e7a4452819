/** What a person types: how long it may be, and which Enter is meant to send. */

/** Characters of a message that the server takes, counted as it counts them. */
export const MAX_CHARACTERS = 20_000;

/** Code points: an emoji outside the first plane is one, though JavaScript counts two. */
export function characters(text: string): number {
  let pairs = 0;
  for (let at = 0; at + 1 < text.length; at++) {
    const here = text.charCodeAt(at);
    if (here >= 0xd800 && here < 0xdc00) {
      const next = text.charCodeAt(at + 1);
      if (next >= 0xdc00 && next < 0xe000) {
        pairs++;
        at++;
      }
    }
  }
  return text.length - pairs;
}

/** What to say of a text that is too long to send; empty for one that is not. */
export function tooLong(text: string): string {
  const count = text.length > MAX_CHARACTERS ? characters(text) : 0;
  if (count <= MAX_CHARACTERS) return '';
  const whole = (value: number): string => value.toLocaleString('en');
  return `Too long to send: ${whole(count)} characters, at most ${whole(MAX_CHARACTERS)}. Shorten it by ${whole(count - MAX_CHARACTERS)}.`;
}

/**
 * Whether a key belongs to an input method: its Enter chooses a word. Safari ends the composition
 * before that Enter arrives, and only its key code, 229, still tells.
 */
export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
