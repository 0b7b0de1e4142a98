// Double quantization: the float scales of a quantizer become 8-bit codes of the dynamic map, in blocks of their own,
// around their mean: scale = map[code] * nested[block] + offset. QLoRA, arXiv:2305.14314, section 3; bitsandbytes
// `compress_statistics`, whose mean is a float32 sum in an order of its machine's; this one is the float64 mean, rounded,
// and within 2e-7 of it. It wraps a quantizer and works on its layout, so it goes around any that has float32 scales.
import {
  type BlockValues,
  decodeTensor,
  type Encoding,
  float32View,
  type Layout,
  MoeqError,
  type Plane,
} from '@moeq/tensors';
import * as v from 'valibot';
import { checkedQuantize } from './checked.js';
import { codebookEncoder, quantizeCodebook } from './codebook.js';
import { type BlockOptions, blockSizes } from './codebook-quantizer.js';
import { dynamicMapValues } from './dynamic-map.js';
import { strict, validate } from './options.js';
import { bytePlane, floatPlane } from './plane.js';
import type { Quantizer } from './quantizer.js';

const optionsSchema = strict({ blockSize: v.optional(v.picklist(blockSizes), 256) });

const encoder = codebookEncoder(dynamicMapValues);

/**
 * The quantizer with nested scales, and nested offsets where its layout has offsets. Its name is `<inner>-dq`.
 * @param options `blockSize`: scales that share a nested scale, a power of two from 32 to 4096; 256 unless given
 * @throws MoeqError for other options; when quantizing, where the layout has no plain float32 scales
 */
export function doubleQuant(inner: Quantizer, options: BlockOptions = {}): Quantizer {
  const name = `${inner.name}-dq`;
  const { blockSize } = validate(optionsSchema, options, 'read options', name);
  const nested: BlockValues = {
    kind: 'nested',
    codebook: dynamicMapValues,
    blockSize,
    dtype: 'F32',
    hasOffset: true,
  };
  const layout: Quantizer['layout'] = (shape) => nestLayout(inner.layout(shape), nested, inner.name);
  const encoding = nestedEncoding(inner, blockSize);
  return {
    specificationVersion: 'v1',
    name,
    options: { ...inner.options, doubleQuant: { blockSize } },
    layout,
    quantize(weights, shape, context) {
      const tensor = checkedQuantize(inner, weights, shape, context);
      const layout = nestLayout(tensor.layout, nested, inner.name);
      const planes: Record<string, Plane> = { ...tensor.planes };
      nestPlanes(planes, 'scales', multiplierOf(tensor.layout?.scale), blockSize);
      if ('offsets' in planes)
        nestPlanes(planes, 'offsets', multiplierOf(offsetOf(tensor.layout)), blockSize);
      return { ...tensor, format: name, layout, planes };
    },
    dequantize: decodeTensor,
    ...(encoding !== null && { encoding }),
  };
}

/** Of a rule whose scales are what is nested: not where a multiplier stands between the two. */
function nestedEncoding({ encoding }: Quantizer, blockSize: number): Encoding | null {
  if (encoding === undefined || encoding.nested !== null || encoding.rule.kind === 'rows8') return null;
  const { bitsPerCode, values, thresholds, codeOfRank } = encoder;
  const codebook = { bitsPerCode, values, thresholds, codeOfRank };
  return { rule: encoding.rule, nested: { codebook, blockSize } };
}

function offsetOf(layout: Layout | null): BlockValues | undefined {
  if (layout?.decode.kind !== 'affine' || layout.decode.zero.kind !== 'offset') return undefined;
  return layout.decode.zero.offset;
}

function multiplierOf(values: BlockValues | undefined): number {
  return values?.kind === 'plain' ? values.multiplier : 1;
}

function nestLayout(layout: Layout | null, nested: BlockValues, inner: string): Layout {
  const offset = offsetOf(layout);
  for (const values of [layout?.scale, offset ?? layout?.scale]) {
    if (values?.kind === 'plain' && values.dtype === 'F32') continue;
    throw new MoeqError({
      operation: 'double-quantize',
      subject: inner,
      expected: 'a layout with plain F32 scales',
      found:
        values === undefined
          ? 'no layout'
          : values.kind === 'plain'
            ? `${values.dtype} scales`
            : 'nested scales',
    });
  }
  const { decode, ...rest } = layout as Layout;
  return {
    ...rest,
    decode: offset === undefined ? decode : { kind: 'affine', zero: { kind: 'offset', offset: nested } },
    scale: nested,
  };
}

/** Replaces one plane of float32 by its codes, nested scales and offset. */
function nestPlanes(
  planes: Record<string, Plane>,
  name: 'scales' | 'offsets',
  multiplier: number,
  blockSize: number,
): void {
  const values = float32View((planes[name] as Plane).data).map((value) => value * multiplier);
  const mean =
    values.length === 0 ? 0 : Math.fround(values.reduce((sum, value) => sum + value, 0) / values.length);
  const { codes, absmax } = quantizeCodebook(
    values.map((value) => value - mean),
    blockSize,
    encoder,
  );
  planes[name] = bytePlane(codes);
  planes[`${name}Nested`] = floatPlane(absmax);
  planes[`${name}Offset`] = floatPlane(Float32Array.of(mean));
}
