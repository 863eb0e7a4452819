/** The exchanges nearest to a message, and how much each is worth. */

/** {number, record, score, weight} of at most NEIGHBOURS, the nearest first; weights sum to 1. */
function nearest(index, waysOfAsking, message, history) {
  const asked = index.query(message);
  const ways = waysOfAsking.others(message);
  // What people ask first is no follow-up, whatever was said before it.
  const scores = recordScores(index, asked, ways.length ? [] : history);
  for (const way of ways) {
    const other = questionScores(index, index.query(way));
    for (let n = 0; n < scores.length; n++) scores[n] = Math.max(scores[n], f32(f32(OTHER_WAY) * other[n]));
  }
  const said = new Set(history.filter(({ role }) => role === 'me').flatMap(({ text }) => words(text)));
  const unit = index.rarity('');
  const inOrder = PAIRS * unit * Math.exp(-weightOf(asked) / unit);
  const found = pairs(message);
  const asks = (number) =>
    !ways.length || !asksAnother(waysOfAsking, index.records[number].question, message, ways);
  const candidates = highest(index, scores, LOOKED_OVER).filter(asks).map((number) => {
    const record = index.records[number];
    const own = pairs(record.question);
    const shared = [...own].filter((pair) => found.has(pair)).length;
    return { number, record, score: scores[number] + (inOrder * shared) / Math.sqrt(own.size) };
  });
  candidates.sort((one, other) => other.score - one.score || one.number - other.number);
  const chosen = withoutRepeats(candidates, said).slice(0, NEIGHBOURS);
  const weights = chosen.map(({ score }) => Math.exp(SHARPNESS * (score - chosen[0].score)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return chosen.map((each, place) => ({ ...each, weight: weights[place] / sum }));
}

/** Whether a question is another of those that people ask first. One that holds the message as it stands is none. */
function asksAnother(waysOfAsking, question, message, ways) {
  const others = waysOfAsking.others(question);
  if (!others.length || others === ways) return false;
  return !` ${words(question).join(' ')} `.includes(` ${words(message).join(' ')} `);
}

/** Each reply once, and none that was already given in this conversation. */
function withoutRepeats(candidates, said) {
  const replies = new Set();
  return candidates.filter(({ record }) => {
    const reply = words(record.reply);
    const key = reply.join(' ');
    const repeated = reply.filter((word) => said.has(word)).length;
    if (replies.has(key) || repeated >= SAID * Math.max(1, reply.length)) return false;
    replies.add(key);
    return true;
  });
}

/** How much a whole query says. */
const weightOf = (query) => query.reduce((sum, { says }) => sum + says, 0);

function recordScores(index, asked, history) {
  const share = f32(REPLY_SHARE);
  const scores = questionScores(index, asked);
  const replies = index.scores(asked, 'reply');
  for (let n = 0; n < scores.length; n++) scores[n] += f32(share * replies[n]);
  const earlier = index.query(history.slice(-LOOKED_BACK).map(({ text }) => text).join(' '));
  const weight = weightOf(earlier);
  if (!weight) return scores;
  const unit = index.rarity('');
  const leaning = unit * Math.exp((-LEAN_FALLS * weightOf(asked)) / unit);
  const about = f32((leaning * ABOUT) / weight);
  const before = f32(leaning * BEFORE);
  const fields = FIELDS.map((name) => index.scores(earlier, name));
  for (let n = 0; n < scores.length; n++) {
    const [question, reply, turns] = fields.map((field) => field[n]);
    scores[n] += f32(about * f32(question + f32(share * reply)));
    scores[n] += f32(before * f32(f32(turns / f32(weight)) ** 2));
  }
  return scores;
}

function questionScores(index, asked) {
  const middle = f32(MID_DIALOG);
  return index.scores(asked, 'question').map((score, n) => (index.opens[n] ? score : middle * score));
}

/** Numbers of the highest positive scores of records with a question. */
function highest(index, scores, count) {
  const found = [...scores.keys()].filter((number) => scores[number] > 0 && index.asked[number]);
  return found.sort((one, other) => scores[other] - scores[one]).slice(0, count);
}

/** Neighbouring words by their beginnings, the edges of the text counted as words. */
function pairs(text) {
  const stems = ['', ...words(text).map(beginning), ''];
  return new Set(stems.slice(1).map((stem, at) => `${stems[at]} ${stem}`));
}

/** The few questions that people ask first, in the many words that they ask them in. */
class WaysOfAsking {
  /** `groups` are lists of ways to ask the same. */
  constructor(groups) {
    this.groups = groups;
    this.byWords = new Map(groups.flatMap((ways) => ways.map((way) => [words(way).join(' '), ways])));
  }

  others(message) {
    const found = words(message);
    if (found.length > 12) return []; // the longest way, and MORE_WORDS
    for (let length = found.length; length > Math.max(0, found.length - MORE_WORDS - 1); length--) {
      const last = found.length - length;
      for (const start of [0, ...Array.from({ length: last }, (_, back) => last - back)]) {
        const ways = this.byWords.get(found.slice(start, start + length).join(' '));
        if (ways && (length > 1 || found.length <= 2)) return ways;
      }
    }
    return [];
  }
}

/** Words that belong together when people talk about their lives. */
class RelatedWords {
  /** `groups` are lists of such words. */
  constructor(groups) {
    this.others = new Map();
    for (const group of groups) {
      for (const word of group) {
        if (!this.others.has(word)) this.others.set(word, new Set());
        for (const other of group) this.others.get(word).add(other);
      }
    }
  }

  of(word) {
    const base = [word, ...bases(word)].find((form) => this.others.has(form));
    return base === undefined ? [] : [...this.others.get(base)].filter((other) => other !== base);
  }
}

/** What a regular form may be a form of: "towns", "baked", "hoping", "swimming", "carries". */
function bases(word) {
  return ENDINGS.filter((ending) => word.endsWith(ending) && [...word].length >= ending.length + 3).flatMap((ending) => {
    const stem = word.slice(0, -ending.length);
    const found = [stem, `${stem}e`];
    if (stem.at(-1) === stem.at(-2)) found.push(stem.slice(0, -1));
    if (stem.endsWith('i')) found.push(`${stem.slice(0, -1)}y`);
    return found;
  });
}
