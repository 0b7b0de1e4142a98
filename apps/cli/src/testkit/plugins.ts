// Quantizers as their authors would write them: plain modules that import nothing of moeq.

/** A codebook of 16 values with a layout, so that every kernel can read it. */
export const evenCodebook = `
const values = Float32Array.from({ length: 16 }, (_, i) => (2 * i - 15) / 15);
const layout = {
  bitsPerCode: 4, order: 'highFirst', blockSize: 32, blocks: 'flat',
  decode: { kind: 'codebook', values }, scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
};
export default {
  specificationVersion: 'v1', name: 'even16', options: { values: 16 },
  layout: () => layout,
  quantize(weights, shape, { dtype }) {
    const codes = new Uint8Array(Math.ceil(weights.length / 2));
    const scales = new Float32Array(Math.ceil(weights.length / 32));
    for (let block = 0; block < scales.length; block++) {
      const part = weights.subarray(32 * block, 32 * block + 32);
      scales[block] = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      part.forEach((x, j) => {
        const i = 32 * block + j;
        const code = scales[block] === 0 ? 7 : Math.max(0, Math.min(15, Math.round((15 * x / scales[block] + 15) / 2)));
        codes[i >> 1] |= i % 2 === 0 ? code << 4 : code;
      });
    }
    const planes = { codes: { dtype: 'U8', data: codes }, scales: { dtype: 'F32', data: new Uint8Array(scales.buffer) } };
    return { format: 'even16', shape, dtype, layout, planes };
  },
  dequantize({ shape, planes }, out = new Float32Array(shape[0] * shape[1])) {
    const scales = new Float32Array(planes.scales.data.slice().buffer);
    for (let i = 0; i < out.length; i++) {
      const byte = planes.codes.data[i >> 1];
      out[i] = values[i % 2 === 0 ? byte >> 4 : byte & 15] * scales[i >> 5];
    }
    return out;
  },
};
`;

/** The same, which at its first matrix writes a file `halted` beside itself and then waits until there is a file `go`. */
export const haltingCodebook = `
import { existsSync, writeFileSync } from 'node:fs';
${evenCodebook.replace('export default {', 'const even16 = {')}
const pause = new Int32Array(new SharedArrayBuffer(4));
export default {
  ...even16,
  quantize(...matrix) {
    writeFileSync(new URL('halted', import.meta.url), '');
    while (!existsSync(new URL('go', import.meta.url))) Atomics.wait(pause, 0, 0, 5);
    return even16.quantize(...matrix);
  },
};
`;

/** Sign and logarithm in a byte: no layout can say that, so only this module can decode it. */
export const logBytes = `
export default () => ({
  specificationVersion: 'v1', name: 'log8', options: {},
  layout: () => null,
  quantize(weights, shape, { dtype }) {
    const data = Uint8Array.from(weights, (x) => {
      const power = x === 0 ? 0 : Math.max(1, Math.min(127, Math.round(8 * Math.log2(Math.abs(x))) + 112));
      return (x < 0 ? 128 : 0) + power;
    });
    return { format: 'log8', shape, dtype, layout: null, planes: { bytes: { dtype: 'U8', data } } };
  },
  dequantize({ shape, planes }, out = new Float32Array(shape[0] * shape[1])) {
    planes.bytes.data.forEach((byte, i) => {
      const power = byte & 127;
      out[i] = power === 0 ? 0 : (byte > 127 ? -1 : 1) * 2 ** ((power - 112) / 8);
    });
    return out;
  },
});
`;
