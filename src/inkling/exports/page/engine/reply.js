/** A reply: drafts that are written together, of which the fittest is said. */

const READ_ROWS = 32;

/** A model that is ready to reply, from what the page carries. `dialogs` are its memory, or null. */
function openModel({ settings, tuned, silent, vocabulary, dialogs, waysOfAsking, relatedWords }, base64) {
  const tokenizer = new Tokenizer(vocabulary);
  const visible = /[^ \t\n\v\f\r]/;
  const blank = tokenizer.bytes.map((bytes) => !visible.test(String.fromCharCode(...bytes)));
  const ids = [...blank.keys()].filter((id) => blank[id]);
  return {
    settings,
    tuned,
    silent,
    tokenizer,
    decoder: new Decoder(settings, readWeights(base64)),
    index: dialogs ? new MemoryIndex(dialogs, new RelatedWords(relatedWords)) : null,
    waysOfAsking: new WaysOfAsking(waysOfAsking),
    blank: ids,
    // Digits and marks are pieces of their own, so " 38" begins with a lone space.
    blankFirst: ids.filter((id) => !(tokenizer.bytes[id].length === 1 && tokenizer.bytes[id][0] === 32)),
    isBlank: (id) => blank[id],
  };
}

/** What was said before to messages like this one, to be read along; null where there is none. */
function recall(model, message, history, settings) {
  if (!model.index || !model.tuned || settings.memory <= 0) return null;
  const neighbours = nearest(model.index, model.waysOfAsking, message, history);
  if (!neighbours.length) return null;
  const { tokenizer } = model;
  const replies = neighbours.map(({ record }) => [
    ...tokenizer.encode(normalizeTurn('me', record.reply)),
    tokenizer.specials.end,
  ]);
  return {
    places: continuations(replies, neighbours.map(({ weight }) => weight)),
    ranking: new Ranking(model.index, neighbours),
  };
}

class Draft {
  constructor(model, prompt, settings, places) {
    this.model = model;
    this.settings = settings;
    this.context = prompt.slice(-(model.settings.context_length - 1));
    this.cache = new Cache(model.settings);
    /** How many ids of the context the cache holds. */
    this.read = 0;
    this.output = [];
    this.reading = new Reading(places);
    this.stream = new TextStream(model.tokenizer);
    this.text = '';
    this.logprob = 0;
    this.tokens = 0;
    this.finish = null;
  }

  /** It begins with something that can be seen, before which one space may stand. */
  get forbidden() {
    const { blank, blankFirst, isBlank } = this.model;
    if (this.output.length === 0) return blankFirst;
    return this.output.length === 1 && isBlank(this.output[0]) ? blank : [];
  }

  take({ token, logprob }) {
    this.read += 1;
    this.tokens += 1;
    this.logprob += logprob;
    this.reading.take(token);
    if (token === this.model.tokenizer.specials.end) {
      this.end('stop');
      return;
    }
    this.output.push(token);
    this.context.push(token);
    this.append(this.stream.push(token));
    if (!this.finish && this.output.length === this.settings.max_tokens) this.end('length');
    if (!this.finish && this.read === this.model.settings.context_length) {
      // Positions are baked into the keys: the newer half is read again.
      this.context = this.context.slice(-Math.floor(this.read / 2));
      this.read = 0;
    }
  }

  end(finish) {
    this.finish = finish;
    this.append(this.stream.finish());
  }

  append(text) {
    this.text += text;
    const stops = this.settings.stop.map((stop) => this.text.indexOf(stop)).filter((at) => at >= 0);
    if (!stops.length) return;
    this.text = this.text.slice(0, Math.min(...stops));
    this.finish = 'stop';
  }

  /** What may be shown of it now: what could be the start of a stop text waits. */
  get said() {
    const held = this.finish ? 0 : Math.max(0, ...this.settings.stop.map((stop) => overlap(this.text, stop)));
    return strip(this.text.slice(0, this.text.length - held));
  }
}

/** Length of the longest end of a text that is a beginning of `stop`. */
function overlap(text, stop) {
  let length = Math.min(text.length, stop.length - 1);
  while (length > 0 && !text.endsWith(stop.slice(0, length))) length--;
  return length;
}

/** `pause` is awaited between steps, with the drafts so far, and says whether to go on. The text,
 * why it ended, and how many characters of the message were not read; null where it was stopped. */
async function writeReply(model, { message, history, settings }, pause, random = Math.random) {
  const { ids, unread } = replyPrompt(
    model.tokenizer, message, history, model.settings.context_length, model.tuned,
  );
  const recalled = recall(model, message, history, settings);
  const drafts = Array.from(
    { length: settings.best_of },
    () => new Draft(model, ids, settings, recalled?.places ?? []),
  );
  const [first, ...others] = drafts;
  while (readOn(model, first)) if (!(await pause(drafts))) return null;
  for (const draft of others) {
    draft.cache.copy(first.cache, first.read);
    draft.read = first.read;
  }
  for (let active = drafts; active.length; active = active.filter(({ finish }) => !finish)) {
    for (const draft of active) {
      while (readOn(model, draft)) if (!(await pause(drafts))) return null;
    }
    writeOn(model, active, random);
    if (!(await pause(drafts))) return null;
  }
  const best = fittest(drafts, recalled?.ranking);
  return { text: best.said, finish: best.finish, unread };
}

/** Read some of what a draft has not read, all but the last id; false where there is nothing. */
function readOn(model, draft) {
  const ids = draft.context.slice(draft.read, -1).slice(0, READ_ROWS);
  if (!ids.length) return false;
  model.decoder.read(ids.map(() => draft.cache), ids.map((_, at) => draft.read + at), ids);
  draft.read += ids.length;
  return true;
}

/** A token for each draft. */
function writeOn(model, drafts, random) {
  const hidden = model.decoder.read(
    drafts.map(({ cache }) => cache),
    drafts.map(({ read }) => read),
    drafts.map(({ context }) => context.at(-1)),
  );
  const logits = model.decoder.logits(hidden);
  const V = logits.length / drafts.length;
  drafts.forEach((draft, row) => {
    const own = logits.subarray(row * V, (row + 1) * V);
    for (const id of model.silent) own[id] = -Infinity;
    const { settings, output, forbidden, reading } = draft;
    draft.take(sampleToken(own, settings, output, forbidden, reading.probabilities(), random));
  });
}

/** One that was cut off comes after all that ended. */
function fittest(drafts, ranking) {
  const rank = (draft) => {
    const logprob = draft.logprob / draft.tokens;
    return ranking ? ranking.rank(draft.said, logprob) : logprob;
  };
  const ranked = drafts.map((draft) => ({ draft, ended: draft.finish === 'stop', rank: rank(draft) }));
  ranked.sort((one, other) => other.ended - one.ended || other.rank - one.rank);
  return ranked[0].draft;
}
