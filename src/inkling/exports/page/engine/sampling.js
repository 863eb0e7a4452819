/** From logits to one token, in this order: penalties, memory mixed in, temperature, top-k, top-p,
 * min-p, one draw. What may not be drawn has the logit -Infinity. */

/** `output` is what was written so far, `forbidden` what may not come now, `memory` token ->
 * probability or nothing. The logarithm is of the token's probability before penalties. */
function sampleToken(logits, settings, output, forbidden, memory, random) {
  const own = mixed(logits, memory, settings.memory);
  const penalties = forbidden.length > 0 || output.length > 0;
  const shares = penalties ? mixed(penalised(logits, settings, output, forbidden), memory, settings.memory) : own;
  const token = settings.temperature === 0 ? largest(shares) : draw(candidates(shares, settings), random);
  return { token, logprob: Math.log(own[token]) };
}

function penalised(logits, settings, output, forbidden) {
  const changed = logits.slice();
  const { repetition_penalty: penalty, presence_penalty, frequency_penalty } = settings;
  if (penalty !== 1) {
    for (const id of new Set(output.slice(-REPETITION_WINDOW))) {
      changed[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
    }
  }
  if (presence_penalty || frequency_penalty) {
    const seen = new Set();
    for (const id of output) {
      changed[id] -= frequency_penalty + (seen.has(id) ? 0 : presence_penalty);
      seen.add(id);
    }
  }
  for (const id of forbidden) changed[id] = -Infinity;
  return changed;
}

/** Probabilities: (1 - λ) softmax(logits) + λ memory; what is forbidden is forbidden to memory too. */
function mixed(logits, memory, strength) {
  const weight = memory.size ? Math.min(strength, MOST_WEIGHT) : 0;
  const peak = logits[largest(logits)];
  const shares = logits.map((logit) => Math.exp(logit - peak));
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const scale = (1 - weight) / sum(shares);
  for (let id = 0; id < shares.length; id++) shares[id] *= scale;
  if (!weight) return shares;
  for (const [id, probability] of memory) {
    if (logits[id] !== -Infinity) shares[id] += weight * probability;
  }
  const total = sum(shares);
  return shares.map((share) => share / total);
}

/** What may be drawn: [id, weight] pairs by id, the likeliest of weight 1. */
function candidates(shares, settings) {
  const { temperature, top_k, top_p, min_p } = settings;
  const floor = top_k && top_k < shares.length ? nthLargest(shares, top_k) : 0;
  const peak = shares[largest(shares)];
  const power = 1 / Math.max(temperature, 1e-8);
  let kept = [];
  for (let id = 0; id < shares.length; id++) {
    if (shares[id] >= floor) kept.push([id, (shares[id] / peak) ** power]);
  }
  if (top_p < 1) kept = likeliest(kept, top_p);
  return kept.filter(([, weight]) => weight > 0 && weight >= min_p);
}

/** The fewest whose mass reaches p; at least one. */
function likeliest(pairs, p) {
  const wanted = p * pairs.reduce((sum, [, weight]) => sum + weight, 0);
  const kept = new Set();
  let mass = 0;
  for (const [id, weight] of pairs.toSorted(([, one], [, other]) => other - one)) {
    if (kept.size && mass >= wanted) break;
    kept.add(id);
    mass += weight;
  }
  return pairs.filter(([id]) => kept.has(id));
}

function draw(pairs, random) {
  let wanted = random() * pairs.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [id, weight] of pairs) {
    if (wanted < weight) return id;
    wanted -= weight;
  }
  return pairs.at(-1)[0];
}

/** Place of the first largest number. */
function largest(values) {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (values[at] > values[best]) best = at;
  return best;
}

function nthLargest(values, n) {
  const top = new Float64Array(n).fill(-Infinity); // ascending
  for (const value of values) {
    if (value <= top[0]) continue;
    let at = 0;
    for (; at + 1 < n && top[at + 1] < value; at++) top[at] = top[at + 1];
    top[at] = value;
  }
  return top[0];
}
