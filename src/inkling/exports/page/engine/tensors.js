/** The weights: base64 -> the bytes of a safetensors file -> arrays by name. A matrix is int8 with a
 * scale for each row; norms are float32. */

function fromBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/** Eight bytes of length, a header in JSON, then the arrays. */
function readTensors(bytes) {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const types = { I8: Int8Array, F32: Float32Array };
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const data = new types[dtype](bytes.slice(8 + length + start, 8 + length + end).buffer);
    tensors[name] = { shape, data };
  }
  return tensors;
}

/** Every weight as numbers to compute with, rows one after the other. */
function readWeights(base64) {
  const tensors = readTensors(fromBase64(base64));
  const weights = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (!name.endsWith('.weight')) continue;
    const scales = tensors[name.replace(/weight$/, 'scale')]?.data;
    weights[name] = scales ? scaled(data, scales, shape[1]) : data;
  }
  return weights;
}

function scaled(integers, scales, columns) {
  const numbers = new Float32Array(integers.length);
  for (let at = 0; at < numbers.length; at++) {
    numbers[at] = integers[at] * scales[Math.floor(at / columns)];
  }
  return numbers;
}
