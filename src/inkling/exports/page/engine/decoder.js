/** The model on typed arrays: ids at positions of caches -> logits. It is Qwen3 in miniature: RMSNorm,
 * attention with normalised and rotated queries and keys, SwiGLU, no biases.
 *
 * R rows computed together, C channels, H heads of D, E = H·D, F hidden channels, V vocabulary. */

/** Keys and values of one text, for each layer a position after the other. */
class Cache {
  constructor({ n_layer, n_head, head_dim, context_length }) {
    this.width = n_head * head_dim;
    const empty = () => new Float32Array(context_length * this.width);
    this.keys = Array.from({ length: n_layer }, empty);
    this.values = Array.from({ length: n_layer }, empty);
  }

  /** Take over the first positions of another. */
  copy(other, positions) {
    const end = positions * this.width;
    this.keys.forEach((keys, layer) => keys.set(other.keys[layer].subarray(0, end)));
    this.values.forEach((values, layer) => values.set(other.values[layer].subarray(0, end)));
  }
}

class Decoder {
  constructor(settings, weights) {
    this.settings = settings;
    this.weights = weights;
    const { head_dim: D, context_length: T, rope_theta } = settings;
    this.cosines = new Float32Array((T * D) / 2);
    this.sines = new Float32Array((T * D) / 2);
    for (let position = 0; position < T; position++) {
      for (let pair = 0; pair < D / 2; pair++) {
        const angle = position * rope_theta ** ((-2 * pair) / D);
        this.cosines[(position * D) / 2 + pair] = Math.cos(angle);
        this.sines[(position * D) / 2 + pair] = Math.sin(angle);
      }
    }
    this.scores = new Float64Array(T);
  }

  /** Read a row for each id: at a position of a cache, all before which are filled. The hidden states
   * after the last layer, R × C. */
  read(caches, positions, ids) {
    const { n_layer, n_embd: C, n_hidden: F, n_head, head_dim } = this.settings;
    const rows = ids.length;
    const x = new Float64Array(rows * C);
    ids.forEach((id, row) => {
      x.set(this.weights['embedding.weight'].subarray(id * C, (id + 1) * C), row * C);
    });
    for (let layer = 0; layer < n_layer; layer++) {
      const weight = (name) => this.weights[`blocks.${layer}.${name}.weight`];
      const qkv = product(weight('attention.qkv'), this.normed(x, weight('attention_norm')), rows);
      this.rotate(qkv, positions, weight('attention.q_norm'), weight('attention.k_norm'));
      const seen = new Float64Array(rows * n_head * head_dim);
      this.keep(layer, caches, positions, qkv);
      for (let row = 0; row < rows; row++) this.attend(layer, caches[row], positions[row], qkv, row, seen);
      add(x, product(weight('attention.out'), seen, rows));
      const both = product(weight('mlp.gate_up'), this.normed(x, weight('mlp_norm')), rows);
      const hidden = new Float64Array(rows * F);
      for (let at = 0; at < hidden.length; at++) {
        const place = at + Math.floor(at / F) * F;
        hidden[at] = (both[place] / (1 + Math.exp(-both[place]))) * both[place + F];
      }
      add(x, product(weight('mlp.down'), hidden, rows));
    }
    return this.normed(x, this.weights['norm.weight']);
  }

  /** Logits of hidden states, R × V. */
  logits(hidden) {
    const name = this.settings.tie_embeddings ? 'embedding.weight' : 'head.weight';
    return product(this.weights[name], hidden, hidden.length / this.settings.n_embd);
  }

  normed(x, weight) {
    const out = Float64Array.from(x);
    for (let start = 0; start < x.length; start += weight.length) this.normalise(out, start, weight);
    return out;
  }

  /** RMSNorm in place, from a place on. */
  normalise(x, start, weight) {
    const width = weight.length;
    let squares = 0;
    for (let at = 0; at < width; at++) squares += x[start + at] ** 2;
    const scale = 1 / Math.sqrt(squares / width + this.settings.norm_eps);
    for (let at = 0; at < width; at++) x[start + at] *= scale * weight[at];
  }

  /** Normalise the heads of queries and keys and turn them by their positions. */
  rotate(qkv, positions, queryNorm, keyNorm) {
    const { n_head: H, head_dim: D } = this.settings;
    const half = D / 2;
    positions.forEach((position, row) => {
      for (let head = 0; head < 2 * H; head++) {
        const start = (row * 3 * H + head) * D;
        this.normalise(qkv, start, head < H ? queryNorm : keyNorm);
        for (let pair = 0; pair < half; pair++) {
          const cosine = this.cosines[position * half + pair];
          const sine = this.sines[position * half + pair];
          const one = qkv[start + pair];
          const other = qkv[start + half + pair];
          qkv[start + pair] = one * cosine - other * sine;
          qkv[start + half + pair] = other * cosine + one * sine;
        }
      }
    });
  }

  keep(layer, caches, positions, qkv) {
    positions.forEach((position, row) => {
      const { width: E, keys, values } = caches[row];
      const start = row * 3 * E;
      keys[layer].set(qkv.subarray(start + E, start + 2 * E), position * E);
      values[layer].set(qkv.subarray(start + 2 * E, start + 3 * E), position * E);
    });
  }

  /** What a row sees of its own position and all before it, into its part of `seen`. */
  attend(layer, cache, position, qkv, row, seen) {
    const { n_head: H, head_dim: D } = this.settings;
    const { scores } = this;
    const E = cache.width;
    const keys = cache.keys[layer];
    const values = cache.values[layer];
    for (let head = 0; head < H; head++) {
      const query = row * 3 * E + head * D;
      let peak = -Infinity;
      for (let at = 0; at <= position; at++) {
        const key = at * E + head * D;
        let score = 0;
        for (let d = 0; d < D; d++) score += qkv[query + d] * keys[key + d];
        scores[at] = score / Math.sqrt(D);
        peak = Math.max(peak, scores[at]);
      }
      let mass = 0;
      for (let at = 0; at <= position; at++) mass += scores[at] = Math.exp(scores[at] - peak);
      const out = row * E + head * D;
      for (let at = 0; at <= position; at++) {
        const share = scores[at] / mass;
        const value = at * E + head * D;
        for (let d = 0; d < D; d++) seen[out + d] += share * values[value + d];
      }
    }
  }
}

/** weight (N × K) times rows (R × K), as R × N. Four rows share each weight that is read. */
function product(weight, x, rows) {
  const K = x.length / rows;
  const N = weight.length / K;
  const out = new Float64Array(rows * N);
  for (let n = 0; n < N; n++) {
    const start = n * K;
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      const at = row * K;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let k = 0; k < K; k++) {
        const w = weight[start + k];
        a += w * x[at + k];
        b += w * x[at + K + k];
        c += w * x[at + 2 * K + k];
        d += w * x[at + 3 * K + k];
      }
      out[row * N + n] = a;
      out[(row + 1) * N + n] = b;
      out[(row + 2) * N + n] = c;
      out[(row + 3) * N + n] = d;
    }
    for (; row < rows; row++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += weight[start + k] * x[row * K + k];
      out[row * N + n] = sum;
    }
  }
  return out;
}

function add(x, y) {
  for (let at = 0; at < x.length; at++) x[at] += y[at];
}
