import { describe, expect, it } from 'vitest';
import { readTensors } from './tensors';

function packed(header: object, bytes: Uint8Array): ArrayBuffer {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const all = new Uint8Array(8 + json.length + bytes.length);
  new DataView(all.buffer).setBigUint64(0, BigInt(json.length), true);
  all.set(json, 8);
  all.set(bytes, 8 + json.length);
  return all.buffer;
}

describe('readTensors', () => {
  it('reads floats and bytes wherever they lie', () => {
    const floats = new Uint8Array(new Float32Array([1.5, -2, 1e-7, Infinity]).buffer);
    for (const note of ['', 'a', 'ab', 'abc']) {
      const header = {
        __metadata__: { note },
        x: { dtype: 'F32', shape: [2, 2], data_offsets: [3, 19] },
        y: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
      };
      const { x, y } = readTensors(packed(header, new Uint8Array([7, 0, 255, ...floats])));
      expect(x).toEqual({ shape: [2, 2], data: new Float32Array([1.5, -2, 1e-7, Infinity]) });
      expect(y).toEqual({ shape: [3], data: new Uint8Array([7, 0, 255]) });
    }
  });

  it('refuses what it cannot read', () => {
    const header = { x: { dtype: 'F64', shape: [1], data_offsets: [0, 8] } };
    expect(() => readTensors(packed(header, new Uint8Array(8)))).toThrow('F64');
  });
});
