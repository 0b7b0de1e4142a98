// Weights in four-bit floats of OCP (E2M1), two in a byte, the first low: NVFP4 with a scale in F8_E4M3 for 16 of them and one
// for all, which compressed-tensors divides by (weight_global_scale) and ModelOpt multiplies by (weight_scale_2); MXFP4 with an
// exponent for 32. The two scales of NVFP4 are one float32 in memory.
//
// Shapes: N rows, K columns.
import {
  e2m1Values,
  elementCount,
  fromFloat32,
  type Layout,
  type QuantizedTensor,
  quote,
  type Tensor,
  toFloat32,
} from '@moeq/tensors';
import type { QuantizedWeight } from '../files/file-set.js';
import { type FormSource, formError, moduleWith, partOf, partsOf, tensorOf } from './form-source.js';

/** @param codes the part that holds the codes. @throws MoeqError for a tensor that is missing, or other shapes */
export function fp4Weight(source: FormSource, module: string, codes: string): QuantizedWeight {
  const packed = partOf(source, module, codes);
  const scales = partOf(source, module, 'weight_scale');
  const others = partsOf(source, module, [
    'weight_global_scale',
    'weight_scale_2',
    'input_global_scale',
    'input_scale',
  ]);
  const [rows = 0, bytes = 0] = packed.shape;
  const shape = [rows, 2 * bytes];
  const isNv = scales.dtype === 'F8_E4M3';
  const blockSize = isNv ? 16 : 32;
  const format = isNv ? 'nvfp4' : 'mxfp4';
  const layout: Layout = {
    bitsPerCode: 4,
    order: 'lowFirst',
    blockSize,
    blocks: 'row',
    decode: { kind: 'codebook', values: e2m1Values },
    scale: { kind: 'plain', dtype: isNv ? 'F32' : 'F8_E8M0', multiplier: 1 },
  };
  return {
    name: `${module}.weight`,
    format,
    shape,
    parts: [packed, scales, ...others],
    layout: () => layout,
    assertShape() {
      const expected = [rows, Math.ceil((2 * bytes) / blockSize)];
      const isScale = isNv || scales.dtype === 'U8' || scales.dtype === 'F8_E8M0';
      if (!isScale || quote(scales.shape) !== quote(expected)) {
        const sentence = `${quote(scales.name, 120)} in F8_E4M3 or U8 of shape ${quote(expected)}`;
        throw formError(scales.file, sentence, `${scales.dtype} ${quote(scales.shape)}`);
      }
      if (isNv && !others.some(({ name }) => /\.(?:weight_global_scale|weight_scale_2)$/.test(name)))
        throw formError(
          scales.file,
          `tensor ${quote(`${module}.weight_global_scale`, 120)}`,
          'no such tensor',
        );
    },
    decode(parts): QuantizedTensor {
      const { data } = tensorOf(parts, packed.name);
      const own = tensorOf(parts, scales.name);
      return {
        format,
        shape,
        dtype: 'BF16',
        layout,
        planes: {
          codes: { dtype: 'U8', data },
          scales: isNv
            ? { dtype: 'F32', data: joined(parts, own, module) }
            : { dtype: 'F8_E8M0', data: own.data },
        },
      };
    },
  };
}

/** The scale of each block and that of the tensor as one float32. */
function joined(parts: Readonly<Record<string, Tensor>>, scales: Tensor, module: string): Uint8Array {
  const [divisor, factor] = ['weight_global_scale', 'weight_scale_2'].map(
    (part) => parts[`${module}.${part}`],
  );
  const whole = divisor ?? factor;
  if (whole === undefined || elementCount(whole.shape) !== 1)
    throw formError(module, 'one scale of the whole tensor', quote(whole?.shape ?? 'none'));
  const [scale = 1] = toFloat32(whole.data, whole.dtype);
  const values = toFloat32(scales.data, scales.dtype);
  return fromFloat32(
    values.map((value) => (divisor === undefined ? value * scale : value / scale)),
    'F32',
  );
}

/** ModelOpt, `quant_algo` NVFP4: the codes are `P.weight`. @throws MoeqError for another algorithm */
export function modeloptWeights(
  source: FormSource,
  own: Readonly<Record<string, unknown>>,
): QuantizedWeight[] {
  const { quant_algo: algorithm } = own;
  if (algorithm !== 'NVFP4') throw formError(source.file, 'quant_algo NVFP4', quote(algorithm));
  return [...source.stored].flatMap(([key, { dtype }]) => {
    const module = moduleWith('weight', key);
    return module === null || dtype !== 'U8' ? [] : [fp4Weight(source, module, 'weight')];
  });
}
