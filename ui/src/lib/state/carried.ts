/**
 * What another view hands to Inside: a message with its reply, and where it came from. In memory
 * alone: a text of the person's never stands in an address.
 */

export interface Carried {
  text: string;
  reply: string | null;
  run: string | null;
  step: number | null;
}

let carried: Carried | null = null;

/** Look inside what was said. */
export function lookInside(what: Carried): void {
  carried = what;
  location.hash = '#/inside/attention';
}

/** What was handed over, once. */
export function takeCarried(): Carried | null {
  const found = carried;
  carried = null;
  return found;
}
