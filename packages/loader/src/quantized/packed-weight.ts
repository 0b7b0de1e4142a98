// One weight of compressed-tensors in packed integers, symmetric or with zero points, in groups of inputs or by row.
//
// Shapes: N rows, K columns, G groups of a row.
import {
  type FloatDType,
  isFloatDType,
  type Layout,
  type QuantizedTensor,
  quote,
  type Tensor,
  viewAs,
} from '@moeq/tensors';
import type { QuantizedWeight } from '../files/file-set.js';
import { type FormSource, formError, partOf, partsOf, tensorOf } from './form-source.js';
import { groupLayout, spreadBytes, spreadOf } from './groups.js';
import { codesPlane, integerAt, wordsOf } from './packed-integers.js';

interface Setting {
  readonly bits: number;
  readonly groupSize: number | null;
}

/**
 * @param settings of the file; the first whose integers are as many words is the weight's
 * @throws MoeqError for a tensor that is missing
 */
export function packedWeight(
  source: FormSource,
  module: string,
  settings: readonly Setting[],
): QuantizedWeight {
  const packed = partOf(source, module, 'weight_packed');
  const scales = partOf(source, module, 'weight_scale');
  const others = partsOf(source, module, [
    'weight_shape',
    'weight_zero_point',
    'weight_g_idx',
    'input_scale',
  ]);
  const has = (part: string) => others.some(({ name }) => name === `${module}.${part}`);
  const [rows = 0, words = 0] = packed.shape;
  const [, groups = 1] = scales.shape;
  const settingOf = (columns: number): Setting | undefined =>
    settings.find(({ bits }) => (bits === 4 || bits === 8) && Math.ceil((columns * bits) / 32) === words);
  const layoutOf = (columns: number): Layout => {
    const { bits = 4, groupSize = null } = settingOf(columns) ?? {};
    const size =
      groupSize !== null && Math.ceil(columns / groupSize) === groups
        ? groupSize
        : Math.ceil(columns / groups);
    const zero = has('weight_zero_point')
      ? ({ kind: 'zeroPoint' } as const)
      : bits === 8
        ? ({ kind: 'signed' } as const)
        : ({ kind: 'constant', value: 8 } as const);
    return groupLayout(bits === 8 ? 8 : 4, size, scales.dtype as FloatDType, zero);
  };
  return {
    name: `${module}.weight`,
    format: `packed-int${settings[0]?.bits ?? 4}`,
    shape: null,
    parts: [packed, scales, ...others],
    layout: ([, columns]) => (has('weight_g_idx') ? undefined : layoutOf(columns)),
    assertShape([own = 0, columns = 0]) {
      if (own === rows && settingOf(columns) !== undefined && isFloatDType(scales.dtype)) return;
      const expected = `${quote(packed.name, 120)} of [${own}, ${columns}] in 4 or 8 bits, as config.json says`;
      throw formError(packed.file, expected, `I32 ${quote(packed.shape)}`);
    },
    decode(parts) {
      const columns = columnsOf(parts, module, words, settings);
      return decode(parts, module, [rows, columns], layoutOf(columns));
    },
  };
}

/** K, which the last words may have more room than. */
function columnsOf(
  parts: Readonly<Record<string, Tensor>>,
  module: string,
  words: number,
  settings: readonly Setting[],
): number {
  const shape = parts[`${module}.weight_shape`];
  if (shape === undefined) return (32 * words) / (settings[0]?.bits ?? 4);
  const { data, dtype } = shape;
  if (dtype === 'I64') return Number(viewAs<BigInt64Array>(BigInt64Array, data)[1] ?? 0n);
  return viewAs<Int32Array>(Int32Array, data)[1] ?? 0;
}

function decode(
  parts: Readonly<Record<string, Tensor>>,
  module: string,
  [rows, columns]: readonly [number, number],
  layout: Layout,
): QuantizedTensor {
  const bits = layout.bitsPerCode;
  const words = wordsOf(tensorOf(parts, `${module}.weight_packed`));
  const scales = tensorOf(parts, `${module}.weight_scale`);
  const perRow = rows === 0 ? 0 : words.length / rows;
  const codes = new Uint8Array(rows * columns);
  // of 8 bits the sign is turned, so that they are two's complement
  const flip = bits === 8 && !parts[`${module}.weight_zero_point`] ? 0x80 : 0;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      codes[row * columns + column] = integerAt(words, bits, column, row * perRow, 1) ^ flip;
  const groups = Math.ceil(columns / layout.blockSize);
  const zeros = parts[`${module}.weight_zero_point`];
  const points = zeros === undefined ? null : pointsOf(wordsOf(zeros), rows, groups, bits);
  const index = parts[`${module}.weight_g_idx`];
  const spread =
    index === undefined
      ? null
      : spreadOf(module, viewAs<Int32Array>(Int32Array, index.data), layout.blockSize, groups);
  const { dtype, data } = scales;
  const size = data.byteLength / Math.max(rows * groups, 1);
  return {
    format: `packed-int${bits}`,
    shape: [rows, columns],
    dtype: dtype as FloatDType,
    layout: spread === null ? layout : { ...layout, blockSize: 1 },
    planes: {
      codes: codesPlane(codes, bits),
      scales: { dtype, data: spreadBytes(data, size, rows, groups, spread) },
      ...(points !== null && {
        zeroPoints: {
          dtype: 'U8' as const,
          data: spreadBytes(points, 1, rows, groups, spread),
        },
      }),
    },
  };
}

/** [N, G], of words packed along N; each plus half of what the bits hold, as the codes are. */
function pointsOf(words: Uint32Array, rows: number, groups: number, bits: number): Uint8Array {
  const out = new Uint8Array(rows * groups);
  for (let row = 0; row < rows; row++)
    for (let group = 0; group < groups; group++)
      out[row * groups + group] = integerAt(words, bits, row, group, groups);
  return out;
}
