/** Text to the words that a look-up compares, in any language, and what two spellings share. */

/** Stands before each letter of a script without spaces, inside this file only. */
const JOINT = '\ue000';
const folded = new Map();

function fold(character) {
  if (!folded.has(character)) folded.set(character, folding(character));
  return folded.get(character);
}

function folding(character) {
  if (APOSTROPHES.includes(character)) return '';
  if (/[\p{L}\p{M}\p{N}]/u.test(character)) {
    const code = character.codePointAt(0);
    const unspaced = UNSPACED.some(([first, last]) => first <= code && code <= last);
    return unspaced && !/\p{M}/u.test(character) ? JOINT + character : character;
  }
  return /\p{So}/u.test(character) ? ` ${character} ` : ' ';
}

function words(text) {
  const runs = Array.from(text.normalize('NFKC').toLowerCase(), fold).join('').split(' ');
  return runs.filter(Boolean).flatMap(pieces);
}

/** Scripts without spaces as pairs of letters; endless words cut. */
function pieces(run) {
  const cut = (text) => [...text].slice(0, MAX_LETTERS).join('');
  const [spaced, ...letters] = run.split(JOINT);
  const found = [];
  const rest = [...spaced];
  while (rest.length) found.push(rest.splice(0, MAX_LETTERS).join(''));
  if (letters.length === 1) found.push(cut(letters[0]));
  for (let at = 1; at < letters.length; at++) found.push(cut(letters[at - 1] + letters[at]));
  return found;
}

const beginning = (word) => [...word].slice(0, BEGINNING).join('');

/** Letter trigrams of a word, its edges included, and its beginning. */
function spelling(word) {
  const edged = ['^', ...word, '$'];
  const grams = new Set([`^^${beginning(word)}`]);
  for (let at = 0; at + 2 < edged.length; at++) grams.add(edged.slice(at, at + 3).join(''));
  return grams;
}
