/** Messages to the ids that ask for a reply. A turn is {role, text} with role "them" or "me". */

const BLANKS = '[\\p{White_Space}\\x1c-\\x1f]';
const EDGES = new RegExp(`^${BLANKS}+|${BLANKS}+$`, 'gu');
const GAPS = new RegExp(`${BLANKS}+`, 'u');

const strip = (text) => text.replace(EDGES, '');
const split = (text) => text.split(GAPS).filter(Boolean);
const length = (text) => [...text].length;

/** As the model reads a turn: what others say in lower case and without punctuation. */
function normalizeTurn(role, text) {
  return ` ${role === 'them' ? plain(text) || text : text}`;
}

function plain(text) {
  const marks = (character) => (APOSTROPHES.includes(character) ? '' : /\p{P}/u.test(character) ? ' ' : character);
  return split(Array.from(text.toLowerCase(), marks).join('')).join(' ');
}

/** Ids, and how many characters at the beginning of the message are not among them. */
function replyPrompt(tokenizer, message, history, context, tuned) {
  const recent = history.slice(-HISTORY_TURNS);
  const room = Math.floor((context * 2) / 3);
  if (tuned) {
    return {
      ids: chatPrompt(tokenizer, recent, message, room),
      unread: unread(tokenizer, message, Math.max(1, room - 3), 'them'),
    };
  }
  for (;;) {
    const text = [...recent.map((turn) => turn.text), message, ''].join('\n');
    const ids = [tokenizer.specials.end, ...tokenizer.encode(text)];
    if (recent.length === 0 || ids.length <= room) {
      return { ids, unread: unread(tokenizer, message, context - 2, null) };
    }
    recent.shift();
  }
}

/** The oldest turns go first; a message longer than the room keeps its end. */
function chatPrompt(tokenizer, history, message, room) {
  const { end, them, me } = tokenizer.specials;
  const read = (role, text) => tokenizer.encode(normalizeTurn(role, text));
  const turns = history.map(({ role, text }) =>
    role === 'me' ? [me, ...read(role, text), end] : [them, ...read(role, text)],
  );
  const question = [them, ...read('them', message).slice(-Math.max(1, room - 3)), me];
  let kept = turns.length;
  let used = 1 + question.length;
  while (kept > 0 && used + turns[kept - 1].length <= room) used += turns[--kept].length;
  // The model never saw a context that opens in the middle of an exchange with a reply.
  while (kept > 0 && kept < turns.length && history[kept].role === 'me') kept++;
  return [end, ...turns.slice(kept).flat(), ...question];
}

function unread(tokenizer, message, room, role) {
  const read = (text) => (role ? normalizeTurn(role, text) : text);
  const ids = tokenizer.encode(read(message));
  if (ids.length <= room) return 0;
  const kept = length(strip(tokenizer.decode(ids.slice(-room))));
  const characters = [...message];
  let low = 0;
  let high = characters.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const rest = read(characters.slice(middle).join(''));
    if (length(role ? strip(rest) : rest) <= kept) high = middle;
    else low = middle + 1;
  }
  return low;
}
