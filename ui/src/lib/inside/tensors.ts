/** Tensors in the layout of safetensors: 8 bytes of header length, a JSON header, raw buffers. */

export interface Tensor {
  shape: number[];
  data: Float32Array | Uint8Array;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** The tensors of an answer by their names. Throws where it is not in that layout. */
export function readTensors(buffer: ArrayBuffer): Record<string, Tensor> {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(
    new TextDecoder().decode(new Uint8Array(buffer, 8, length)),
  ) as Record<string, Entry>;
  const found: Record<string, Tensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = entry.data_offsets;
    // Copied: the header's length need not leave the buffers aligned.
    const bytes = buffer.slice(8 + length + begin, 8 + length + end);
    if (entry.dtype !== 'F32' && entry.dtype !== 'U8') throw new Error(`no reader for ${entry.dtype}`);
    const data = entry.dtype === 'F32' ? new Float32Array(bytes) : new Uint8Array(bytes);
    found[name] = { shape: entry.shape, data };
  }
  return found;
}
