/** What was said before, so ordered that the exchanges nearest to a message are found. Numbers are
 * rounded to float32 where Inkling's own index does so, that ties fall alike. */

const f32 = Math.fround;

/** Every `me` turn that follows a `them` turn, with the turns before. A dialog is [role, text] pairs. */
function* exchanges(dialog) {
  for (let place = 1; place < dialog.length; place++) {
    const [asked, question] = dialog[place - 1];
    const [answered, reply] = dialog[place];
    if (asked !== 'them' || answered !== 'me') continue;
    const before = dialog.slice(Math.max(0, place - 1 - LOOKED_BACK), place - 1);
    yield { question, reply, before: before.map(([, text]) => text).join(' ') };
  }
}

/** Which records hold each word of a field, and how many words each record's field has. */
class Postings {
  constructor() {
    this.lists = [];
    this.lengths = [];
  }

  add(numbers) {
    for (const number of new Set(numbers)) (this.lists[number] ??= []).push(this.lengths.length);
    this.lengths.push(numbers.length);
  }

  holding(word) {
    return this.lists[word] ?? [];
  }

  /** What BM25 divides by for the length of each record: 1 for one of mean length. */
  damping() {
    const filled = this.lengths.filter((length) => length > 0);
    const mean = filled.length ? filled.reduce((sum, length) => sum + length, 0) / filled.length : 1;
    return Float32Array.from(
      this.lengths,
      (length) => 1 - LENGTH_DAMPING + (LENGTH_DAMPING * Math.max(length, 1)) / mean,
    );
  }
}

class MemoryIndex {
  constructor(dialogs, relatedWords) {
    this.relatedWords = relatedWords;
    this.records = dialogs.flatMap((dialog) => [...exchanges(dialog)]);
    this.numbers = new Map();
    this.fields = Object.fromEntries(FIELDS.map((name) => [name, new Postings()]));
    for (const record of this.records) {
      for (const name of FIELDS) this.fields[name].add(words(record[name]).map((word) => this.number(word)));
    }
    const { question, reply, before } = this.fields;
    this.size = this.numbers.size;
    this.heldIn = Array.from({ length: this.size }, (_, word) =>
      Math.min(question.holding(word).length + reply.holding(word).length, this.records.length),
    );
    this.telling = telling(question, reply, this.records.length, this.size);
    this.dampings = Object.fromEntries(FIELDS.map((name) => [name, this.fields[name].damping()]));
    this.opens = before.lengths.map((length) => length === 0);
    this.asked = question.lengths.map((length) => length > 0);
    this.replies = new Set(this.records.map((record) => replyKey(record.reply)));
    this.grams = new Map();
    for (const [word, number] of this.numbers) {
      for (const gram of spelling(word)) {
        if (!this.grams.has(gram)) this.grams.set(gram, []);
        this.grams.get(gram).push(number);
      }
    }
  }

  number(word) {
    if (!this.numbers.has(word)) this.numbers.set(word, this.numbers.size);
    return this.numbers.get(word);
  }

  /** Whether a record's reply is this text, case and spaces aside. */
  holdsReply(text) {
    return this.replies.has(replyKey(text));
  }

  /** For each word of a text that something here is spelled like: how much it says, the words like it,
   * ascending by likeness, and their likeness. */
  query(text) {
    const found = [];
    for (const word of new Set(words([...text].slice(-CHUNK).join('')))) {
      const alike = this.alike(word);
      if (alike.length) found.push({ says: this.says(word), alike });
    }
    found.sort((one, other) => other.says - one.says);
    const rare = found.slice(KEPT).filter(({ alike }) => this.heldIn[alike.at(-1).word] <= COMMON);
    return [...found.slice(0, KEPT), ...rare.slice(0, MAX_QUERY_WORDS - KEPT)];
  }

  /** How well each record's field answers to a query. */
  scores(query, field) {
    const postings = this.fields[field];
    const total = new Float32Array(this.records.length);
    const best = new Map();
    for (const { says, alike } of query) {
      best.clear();
      // Of a record that holds several, the likest word counts: the last one.
      for (const { word, likeness } of alike) {
        for (const record of postings.holding(word)) best.set(record, likeness);
      }
      for (const [record, likeness] of best) total[record] += f32(f32(says) * likeness);
    }
    return total.map((score, record) => score / this.dampings[field][record]);
  }

  /** How much a word says by being rare. */
  rarity(word) {
    const number = this.numbers.get(word);
    const held = number === undefined ? 0 : this.heldIn[number];
    return Math.log1p((this.records.length - held + 0.5) / (held + 0.5));
  }

  says(word) {
    const tells = this.telling[this.numbers.get(word)] ?? 1;
    const share = Math.min(1, [...word].length / SHORT_LETTERS);
    return this.rarity(word) * tells * (SHORT_SHARE + (1 - SHORT_SHARE) * share);
  }

  /** The words spelled like this one or related to it, ascending by likeness. */
  alike(word) {
    const found = this.spelledLike(word);
    for (const other of this.relatedWords.of(word)) {
      for (const { word, likeness } of this.spelledLike(other)) {
        found.push({ word, likeness: f32(f32(RELATED) * likeness) });
      }
    }
    found.sort((one, other) => other.likeness - one.likeness);
    const likest = new Map();
    for (const each of found) if (!likest.has(each.word)) likest.set(each.word, each);
    return [...likest.values()].slice(0, MAX_ALIKE).reverse();
  }

  /** The words spelled like this one, ascending by likeness. */
  spelledLike(word) {
    const shared = new Map();
    let all = 0;
    for (const gram of spelling(word)) {
      const holders = this.grams.get(gram) ?? [];
      const rarity = Math.log1p(this.size / (holders.length || 0.5));
      all += rarity;
      for (const number of holders) shared.set(number, (shared.get(number) ?? 0) + rarity);
    }
    const own = this.numbers.get(word);
    const found = [];
    for (const [number, sum] of [...shared].sort(([one], [other]) => one - other)) {
      const likeness = number === own ? 1 : f32(sum / all);
      // A word that stands everywhere is looked up only as itself.
      if (this.heldIn[number] > COMMON && likeness < 1) continue;
      if (likeness >= MIN_LIKENESS) found.push({ word: number, likeness });
    }
    return found.sort((one, other) => other.likeness - one.likeness).slice(0, MAX_SPELLED).reverse();
  }
}

const replyKey = (text) => split(text.toLowerCase()).join(' ');

/** A factor for each word: how alike the replies are to the questions that hold it. */
function telling(question, reply, count, size) {
  const every = 1 + Math.floor(count / MOST_RECORDS);
  const { held, values } = replyVectors(reply, count, size);
  const alike = new Float64Array(size);
  const holders = new Float64Array(size);
  for (let word = 0; word < size; word++) {
    const records = spread(question.holding(word), every);
    if (records.length < 2) continue;
    const sums = new Map();
    for (const record of records) {
      held[record].forEach((other, at) => sums.set(other, (sums.get(other) ?? 0) + values[record][at]));
    }
    let squares = 0;
    for (const sum of sums.values()) squares += sum * sum;
    alike[word] = (squares - records.length) / (records.length * (records.length - 1));
    holders[word] = records.length;
  }
  const looked = alike.filter((_, word) => holders[word] > 0);
  const mean = looked.length ? looked.reduce((sum, value) => sum + value, 0) / looked.length : 0;
  return Float32Array.from(alike, (value, word) => {
    if (mean <= 0 || holders[word] === 0) return 1;
    const believed = (value * holders[word] + PRIOR_HOLDERS * mean) / (holders[word] + PRIOR_HOLDERS);
    return Math.min(MOST, Math.max(LEAST, (Math.max(believed, 0) / mean) ** POWER));
  });
}

/** Each reply as a vector of length 1: the words it holds, and each one's value by its rarity. */
function replyVectors(reply, count, size) {
  const held = Array.from({ length: count }, () => []);
  const rarity = Float64Array.from({ length: size }, (_, word) =>
    Math.log1p(count / (reply.holding(word).length + 0.5)),
  );
  for (let word = 0; word < size; word++) for (const record of reply.holding(word)) held[record].push(word);
  const values = held.map((numbers) => {
    const norm = Math.sqrt(numbers.reduce((sum, word) => sum + rarity[word] ** 2, 0));
    return Float64Array.from(numbers, (word) => rarity[word] / norm);
  });
  return { held, values };
}

function spread(holders, every) {
  const kept = holders.filter((record) => record % every === 0);
  const step = Math.max(1, Math.floor(kept.length / MOST_HOLDERS));
  return kept.filter((_, place) => place % step === 0).slice(0, MOST_HOLDERS);
}
