// A small Mixtral in memory, plain or quantized in either form, one file of which is the input.
import { readFileSync } from 'node:fs';
import type { FileSet } from '@moeq/loader';
import {
  canExpress,
  doubleQuant,
  moeqConfig,
  moeqEntry,
  nf4,
  type Quantizer,
  toBitsandbytes,
  toMoeq,
} from '@moeq/quantizers';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  type QuantizedTensor,
  type Tensor,
  toFloat32,
} from '@moeq/tensors';

const golden = new URL('../packages/loader/testdata/architectures/mixtral/', import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, golden)));

export const plainConfig = JSON.parse(readFileSync(new URL('config.json', golden), 'utf8')) as Record<
  string,
  unknown
>;

const plainWeights = bytesOf('model.safetensors');

/** Files by name, over those of the plain model. */
export function modelFiles(files: Readonly<Record<string, Uint8Array | object>>): FileSet {
  const all = new Map<string, Uint8Array | object>(
    Object.entries({ 'config.json': plainConfig, 'model.safetensors': plainWeights, ...files }),
  );
  return {
    name: 'model',
    list: async () => [...all.keys()],
    async open(name) {
      const content = all.get(name);
      if (content === undefined) return null;
      const bytes =
        content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
      return memorySource(`model/${name}`, bytes);
    },
  };
}

export interface QuantizedModel {
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: Uint8Array;
  /** The first quantized tensor and the parts that it is stored in. */
  readonly name: string;
  readonly parts: Readonly<Record<string, Tensor>>;
}

/** The same model with its experts quantized. */
export async function quantizedModel(form: 'bitsandbytes' | 'moeq'): Promise<QuantizedModel> {
  const quantizer: Quantizer = doubleQuant(nf4());
  const file = await openSafetensors(memorySource('model.safetensors', plainWeights));
  const stored: Record<string, Tensor> = {};
  const quantized: [string, QuantizedTensor][] = [];
  const parts: Record<string, Tensor>[] = [];
  for (const name of file.tensors.keys()) {
    const tensor = await file.read(name);
    if (!name.includes('.experts.')) {
      stored[name] = tensor;
      continue;
    }
    const [rows = 0, columns = 0] = tensor.shape;
    const weights = toFloat32(tensor.data, tensor.dtype);
    const made = quantizer.quantize(weights, [rows, columns], { name, dtype: 'F32' });
    quantized.push([name, made]);
    parts.push(form === 'moeq' ? toMoeq(name, made) : toBitsandbytes(name, made));
    Object.assign(stored, parts.at(-1));
  }
  const [first] = quantized;
  if (first === undefined) throw new Error('the model has no experts');
  return {
    config: { ...plainConfig, quantization_config: block(form, quantized, quantizer) },
    weights: encodeSafetensors(stored),
    name: first[0],
    parts: parts[0] ?? {},
  };
}

function block(form: string, quantized: readonly [string, QuantizedTensor][], quantizer: Quantizer): unknown {
  if (form === 'moeq') {
    return moeqConfig(
      quantized.map(([name, tensor]) => [name, moeqEntry(tensor)] as const),
      [quantizer],
    );
  }
  const facts = quantized.map(([name, { shape }]) => ({ name, role: 'expert' as const, shape }));
  const expression = canExpress(facts.map((each) => ({ facts: each, quantizer })));
  if (!expression.expressible) throw new Error(expression.reason);
  return expression.config;
}
