/** Pieces in print, and the text cut by the first n merges. */
import type { PieceRow } from '../api/types';

const SEEN: Record<string, string> = {
  ' ': '␣', '\n': '⏎', '\t': '⇥', '\r': '␍', '\u00a0': '⍽', '\u200d': '‿', '\0': '␀',
};

/** Whitespace made visible; the rest as it is. */
export const visible = (text: string): string =>
  text.replace(/[ \n\t\r\u00a0\u200d\0]/g, (character) => SEEN[character] ?? character);

/** A piece as it is shown: bytes that are no whole character in hexadecimal. */
export function shown(piece: PieceRow | undefined): string {
  if (!piece) return '';
  if (piece.text === null) return `‹${piece.bytes}›`;
  return piece.special ? piece.text : visible(piece.text);
}

/** A piece as a word of a sentence: “␣the”, the mark <|me|>. */
export function named(piece: PieceRow | undefined): string {
  if (!piece) return '';
  return piece.special ? (piece.text ?? '') : `“${shown(piece)}”`;
}

/** The text in the pieces of the first `count` merges; `merges` says which merge closed each place
 * between two characters (code points). */
export function cut(text: string, merges: readonly (number | null)[], count: number): string[] {
  const found: string[] = [];
  let piece = '';
  for (const [at, character] of [...text].entries()) {
    piece += character;
    const merge = merges[at] ?? null;
    if (merge !== null && merge <= count) continue;
    found.push(piece);
    piece = '';
  }
  if (piece) found.push(piece);
  return found;
}
