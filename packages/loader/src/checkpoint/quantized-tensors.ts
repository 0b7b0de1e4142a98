// The weights that a checkpoint stores quantized, in the form that the quantization_config of its config.json names. Those of
// bitsandbytes and moeq are read by @moeq/quantizers and found among the stored tensors here; others have files of their own.
import {
  bitsandbytesGroups,
  bitsandbytesLayout,
  carriedConfig,
  fromBitsandbytes,
  fromMoeq,
  moeqParts,
  parseMoeqConfig,
} from '@moeq/quantizers';
import {
  assertQuantizedTensor,
  elementCount,
  type FloatDType,
  fromTorchName,
  isObject,
  quote,
} from '@moeq/tensors';
import type { QuantizedWeight, StoredTensor } from '../files/file-set.js';
import { awqWeights } from '../quantized/awq.js';
import { compressedWeights } from '../quantized/compressed-tensors.js';
import { type FormSource, formError } from '../quantized/form-source.js';
import { modeloptWeights } from '../quantized/fp4.js';
import { gptqWeights } from '../quantized/gptq.js';
import { fp8Blocks, fp8Weights } from './fp8-blocks.js';
import { withFloats } from './fp8-floats.js';
import { mxfp4Weights } from './mxfp4-weights.js';

type Source = FormSource;

const forms: Readonly<
  Record<string, (source: Source, own: Readonly<Record<string, unknown>>) => QuantizedWeight[]>
> = {
  bitsandbytes: bitsandbytesWeights,
  fp8: fp8Weights,
  moeq: moeqWeights,
  mxfp4: mxfp4Weights,
  gptq: (source, own) => gptqWeights(source, own).map(asserted),
  awq: (source, own) => awqWeights(source, own).map(asserted),
  'compressed-tensors': (source, own) => compressedWeights(source, own).map(asserted),
  modelopt: (source, own) => modeloptWeights(source, own).map(asserted),
};

/**
 * @returns none for a checkpoint without a quantization_config
 * @throws MoeqError for a form that is not known, or one that the stored tensors contradict
 */
export function quantizedWeights(source: Source): QuantizedWeight[] {
  const { quantization_config: own } = source.config;
  if (own === undefined || own === null) return [];
  const method = methodOf(own);
  const form = typeof method === 'string' && Object.hasOwn(forms, method) ? forms[method] : undefined;
  if (form === undefined || !isObject(own)) {
    const known = Object.keys(forms)
      .join(', ')
      .replace(/, (?=[^,]*$)/, ' or ');
    const found = method === undefined || method === null ? 'none' : quote(method);
    throw formError(source.file, `quantization_config with quant_method ${known}`, found);
  }
  const weights = form(source, own);
  if (weights.length > 0) return weights;
  throw formError(source.file, `tensors quantized as quantization_config says, ${method}`, 'none');
}

/** What is read fits its layout, whatever the file says. */
function asserted(weight: QuantizedWeight): QuantizedWeight {
  const decode: QuantizedWeight['decode'] = (parts) => {
    const tensor = weight.decode(parts);
    assertQuantizedTensor(tensor, weight.name);
    return tensor;
  };
  return { ...weight, decode };
}

/**
 * The stored tensors with weights in blocks of 8-bit floats as BF16; null for a checkpoint in another form.
 * @param isOwn whether a tensor is one of the decoder's
 */
export function fp8Floats(
  source: Omit<Source, 'quantizers'>,
  isOwn: (name: string) => boolean,
): ReadonlyMap<string, StoredTensor> | null {
  const { quantization_config: own } = source.config;
  if (!isObject(own) || methodOf(own) !== 'fp8') return null;
  const weights = fp8Blocks(source, own).filter(({ codes }) => isOwn(codes.name));
  return withFloats(source.stored, weights);
}

/**
 * What a quantization_config is of. Early checkpoints of bitsandbytes do not say, and are known by their flags, as
 * transformers knows them (quantizers/auto.py, AutoQuantizationConfig.from_dict).
 */
function methodOf(own: unknown): unknown {
  if (!isObject(own)) return own;
  const { quant_method: method, load_in_4bit: four, load_in_8bit: eight } = own;
  return method ?? (four === true || eight === true ? 'bitsandbytes' : method);
}

function bitsandbytesWeights(
  { stored, config, file }: Source,
  own: Readonly<Record<string, unknown>>,
): QuantizedWeight[] {
  const { load_in_4bit, load_in_8bit, bnb_4bit_quant_type, bnb_4bit_use_double_quant } = own;
  const fourBit = `${bnb_4bit_quant_type ?? 'fp4'}${bnb_4bit_use_double_quant === true ? '-dq' : ''}`;
  const declared = [...(load_in_4bit === true ? [fourBit] : []), ...(load_in_8bit === true ? ['int8'] : [])];
  return [...bitsandbytesGroups(stored.keys())].map(([name, names]) => {
    const parts = names.flatMap((part) => stored.get(part) ?? []);
    const type = names.map((part) => /\.quant_state\.bitsandbytes__(\w+)$/.exec(part)?.[1]).find(Boolean);
    const nested = names.includes(`${name}.nested_absmax`) ? '-dq' : '';
    const format = type === undefined ? 'int8' : `${type}${nested}`;
    if (!declared.includes(format)) {
      throw formError(
        file,
        `quantization_config to say what ${quote(name, 120)} is, ${format}`,
        declared.join() || 'nothing',
      );
    }
    return {
      name,
      parts,
      format,
      shape: null,
      assertShape(shape) {
        const bytes = format === 'int8' ? elementCount(shape) : Math.ceil(elementCount(shape) / 2);
        const [weight] = parts;
        if (weight === undefined || weight.bytes === bytes) return;
        const expected = `${quote(name, 120)} of ${bytes} bytes, ${JSON.stringify(shape)} in ${format}`;
        throw formError(weight.file, expected, String(weight.bytes));
      },
      layout: (shape) =>
        bitsandbytesLayout(name, format, shape, new Map(parts.map((part) => [part.name, part.bytes]))),
      decode: (tensors) => fromBitsandbytes(name, tensors, dtypeOf(config)),
    };
  });
}

function moeqWeights(source: Source, own: Readonly<Record<string, unknown>>): QuantizedWeight[] {
  const weights = entriesOf(source, own);
  const carried = carriedConfig(own);
  if (carried === null) return weights;
  const parts = new Set(weights.flatMap((weight) => weight.parts.map(({ name }) => name)));
  const stored = new Map([...source.stored].filter(([name]) => !parts.has(name)));
  const config = { ...source.config, quantization_config: carried };
  return [...weights, ...quantizedWeights({ ...source, stored, config })];
}

function entriesOf(
  { stored, file, quantizers }: Source,
  own: Readonly<Record<string, unknown>>,
): QuantizedWeight[] {
  return [...parseMoeqConfig(own, file)].map(([name, entry]) => ({
    name,
    parts: moeqParts(name, entry).map((part) => {
      const tensor = stored.get(part);
      if (tensor !== undefined) return tensor;
      throw formError(file, `tensor ${quote(part, 120)}, as quantization_config says`, 'no such tensor');
    }),
    format: entry.format,
    shape: entry.shape,
    rows: 'decoder',
    layout: () => entry.layout,
    assertShape: () => undefined,
    decode: (tensors) => fromMoeq(name, entry, tensors, quantizers),
  }));
}

/** The dtype of a model's weights by config.json, which LLM.int8 does not store; F16 where it says none. */
function dtypeOf({ dtype, torch_dtype: older }: Readonly<Record<string, unknown>>): FloatDType {
  return fromTorchName(dtype ?? older) ?? 'F16';
}
