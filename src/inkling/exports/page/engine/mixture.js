/** What the nearest exchanges would say next, and which finished draft is fit to be said. */

/** The replies of the neighbours of one message, a token after the other. */
function continuations(replies, weights) {
  return replies.flatMap((ids, owner) =>
    ids.map((token, at) => ({ token, opens: at === 0, weight: weights[owner] })),
  );
}

/** Where one draft stands in them. */
class Reading {
  constructor(places) {
    this.places = places;
    // How many tokens just written stand right before each place; the beginning counts as one.
    this.common = places.map(({ opens }) => (opens ? 1 : 0));
    this.weights = places.map(({ weight }) => weight);
  }

  /** Token -> probability; they sum to 1. Empty where the draft stands in no neighbour. */
  probabilities() {
    const found = new Map();
    let total = 0;
    this.places.forEach(({ token }, place) => {
      if (!this.common[place]) return;
      const mass = Math.exp(GROWTH * (this.common[place] - 1)) * this.weights[place];
      found.set(token, (found.get(token) ?? 0) + mass);
      total += mass;
    });
    for (const [token, mass] of found) found.set(token, mass / total);
    return found;
  }

  /** Count a token as written. What was copied once is not said twice. */
  take(token) {
    const moved = this.places.map(() => 0);
    this.places.forEach((place, at) => {
      if (place.token !== token) return;
      if (this.common[at] >= PASSED) this.weights[at] *= AGAIN;
      if (at + 1 < moved.length && !this.places[at + 1].opens) {
        moved[at + 1] = Math.min(this.common[at] + 1, REACH);
      }
    });
    this.common = moved;
  }
}

/** Ranks the drafts of one message: how sure the model was, how much a draft says of what the
 * neighbours say, and whether it recites or repeats. */
class Ranking {
  constructor(index, neighbours) {
    this.index = index;
    this.replies = neighbours.map(({ weight, record }) => [weight, this.vector(words(record.reply))]);
  }

  rank(text, logprob) {
    const found = words(text);
    return (
      logprob +
      AGREEMENT * this.agreement(found) -
      (this.index.holdsReply(text) ? RECITAL : 0) -
      REPETITION * repetition(found)
    );
  }

  agreement(found) {
    const own = this.vector(found);
    let sum = 0;
    for (const [weight, reply] of this.replies) {
      for (const [stem, value] of own) sum += weight * value * (reply.get(stem) ?? 0);
    }
    return sum;
  }

  /** Beginnings of words, each by its rarity, to length 1. */
  vector(found) {
    const vector = new Map();
    for (const word of found) {
      const stem = beginning(word);
      vector.set(stem, Math.max(vector.get(stem) ?? 0, this.index.rarity(word)));
    }
    const norm = Math.hypot(...vector.values()) || 1;
    return new Map([...vector].map(([stem, value]) => [stem, value / norm]));
  }
}

/** Share of three words in a row that have stood before. */
function repetition(found) {
  const triples = found.slice(2).map((word, at) => `${found[at]} ${found[at + 1]} ${word}`);
  return triples.length ? 1 - new Set(triples).size / triples.length : 0;
}
