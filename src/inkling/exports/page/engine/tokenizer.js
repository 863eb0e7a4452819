/** Byte-level BPE, as in tokenizer.json: text -> ids -> bytes -> text. Special tokens never come from
 * text: what looks like one is read as the characters that it is made of. */

/** Qwen2's split. Each is a word within which merges apply. */
const WORD = new RegExp(
  [
    "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL]{2}|[dD])",
    '[^\\r\\n\\p{L}\\p{N}]?\\p{L}+',
    '\\p{N}',
    ' ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*',
    '\\p{White_Space}*[\\r\\n]+',
    '\\p{White_Space}+(?!\\P{White_Space})',
    '\\p{White_Space}+',
  ].join('|'),
  'gu',
);

/** GPT-2's printable stand-in for each byte. */
function byteSymbols() {
  const printable = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : spare++),
  );
}

class Tokenizer {
  /** `tokens` as tokenizer.json writes them, by id; `merges` pairs of ids, the earliest first;
   * `specials` the ids of <|end|>, <|them|> and <|me|>. */
  constructor({ tokens, merges, specials }) {
    const ids = new Map(tokens.map((token, id) => [token, id]));
    const symbols = byteSymbols();
    const bytes = new Map(symbols.map((symbol, byte) => [symbol, byte]));
    const special = new Set(specials.all);
    this.specials = specials;
    this.bytes = tokens.map((token, id) =>
      Uint8Array.from(special.has(id) ? [] : [...token].map((symbol) => bytes.get(symbol))),
    );
    this.ofByte = symbols.map((symbol) => ids.get(symbol));
    this.size = tokens.length;
    this.merges = new Map(
      merges.map(([left, right], rank) => [
        left * this.size + right,
        { rank, id: ids.get(tokens[left] + tokens[right]) },
      ]),
    );
  }

  encode(text) {
    return (text.match(WORD) ?? []).flatMap((word) => this.encodeWord(word));
  }

  /** Of all pairs the one that was learned first is joined, until none is left. */
  encodeWord(word) {
    const ids = Array.from(new TextEncoder().encode(word), (byte) => this.ofByte[byte]);
    for (;;) {
      let best = null;
      let place = 0;
      for (let at = 0; at + 1 < ids.length; at++) {
        const merge = this.merges.get(ids[at] * this.size + ids[at + 1]);
        if (merge && (best === null || merge.rank < best.rank)) {
          best = merge;
          place = at;
        }
      }
      if (best === null) return ids;
      ids.splice(place, 2, best.id);
    }
  }

  decode(ids) {
    const stream = new TextStream(this);
    return ids.map((id) => stream.push(id)).join('') + stream.finish();
  }
}

/** Ids to text one at a time; half a character waits until it is whole. */
class TextStream {
  constructor(tokenizer) {
    this.table = tokenizer.bytes;
    this.decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  }

  push(id) {
    return this.decoder.decode(this.table[id], { stream: true });
  }

  finish() {
    return this.decoder.decode();
  }
}
