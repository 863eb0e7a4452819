/**
 * The arithmetic of the panels, in double precision: softmax, attention rows, entropy, and the next
 * piece after temperature, top-k and top-p.
 *
 * Knows: the formulas. They are those of inkling/inspection, and tests compare the two.
 */

/** Numbers to probabilities; −∞ becomes 0. */
export function softmax(values: ArrayLike<number>): Float64Array {
  let peak = -Infinity;
  for (let at = 0; at < values.length; at++) peak = Math.max(peak, values[at]!);
  const found = new Float64Array(values.length);
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += found[at] = Math.exp(values[at]! - peak);
  for (let at = 0; at < found.length; at++) found[at]! /= sum;
  return found;
}

/** −Σ p log₂ p, in bits. */
export function entropy(probabilities: ArrayLike<number>): number {
  let bits = 0;
  for (let at = 0; at < probabilities.length; at++) {
    const p = probabilities[at]!;
    if (p > 0) bits -= p * Math.log2(p);
  }
  return bits;
}

/** One head on a text of `size` pieces: its scores QKᵀ, row by row. */
export interface HeadScores {
  size: number;
  scores: Float32Array;
  headDim: number;
}

/** Row `query` of a head's scores, its pieces 0 … query, divided by √d_k or not. */
export function scaledRow(head: HeadScores, query: number, scale: boolean): Float64Array {
  const divisor = scale ? Math.sqrt(head.headDim) : 1;
  const row = new Float64Array(query + 1);
  for (let key = 0; key <= query; key++) row[key] = head.scores[query * head.size + key]! / divisor;
  return row;
}

/** The attention weights of a row: what is ahead is masked, the rest sums to 1. */
export const weightRow = (head: HeadScores, query: number, scale = true): Float64Array =>
  softmax(scaledRow(head, query, scale));

export interface Cut {
  temperature: number;
  /** 0 is off. */
  topK: number;
  /** 1 is off. */
  topP: number;
}

/**
 * The probabilities that a piece is drawn from, 0 where it was cut: top-k (with any equal to the
 * k-th), temperature, top-p (the fewest likeliest that reach it).
 */
export function reshape(logits: ArrayLike<number>, cut: Cut): Float64Array {
  const size = logits.length;
  const found = new Float64Array(size);
  const order = Array.from({ length: size }, (_, at) => at).sort(
    (a, b) => logits[b]! - logits[a]! || a - b,
  );
  if (size === 0) return found;
  if (cut.temperature === 0) {
    found[order[0]!] = 1;
    return found;
  }
  const floor =
    cut.topK > 0 && cut.topK < size ? logits[order[cut.topK - 1]!]! : -Infinity;
  const kept = order.filter((at) => logits[at]! >= floor);
  const heat = Math.max(cut.temperature, 1e-8);
  const peak = logits[order[0]!]!;
  let mass = 0;
  for (const at of kept) mass += found[at] = Math.exp((logits[at]! - peak) / heat);
  if (cut.topP < 1) {
    let before = 0;
    for (const [place, at] of kept.entries()) {
      const weight = found[at]!;
      if (place > 0 && before >= cut.topP * mass) found[at] = 0;
      before += weight;
    }
    mass = found.reduce((sum, weight) => sum + weight, 0);
  }
  for (let at = 0; at < size; at++) found[at]! /= mass;
  return found;
}

/** The index that a number between 0 and 1 draws. */
export function draw(probabilities: ArrayLike<number>, random: number): number {
  let sum = 0;
  let last = 0;
  for (let at = 0; at < probabilities.length; at++) {
    if (probabilities[at]! <= 0) continue;
    sum += probabilities[at]!;
    last = at;
    if (random < sum) return at;
  }
  return last; // rounding left a sliver behind the last one
}

/** A weight as the strength of a colour: √, so that one per cent is seen. */
export const strength = (p: number): number => Math.sqrt(Math.min(1, Math.max(0, p)));
