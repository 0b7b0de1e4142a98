// A checkpoint's tensors with the experts quantized, in the forms in which files hold them.
import { canExpress, moeqConfig, moeqEntry, type Quantizer, toBitsandbytes, toMoeq } from '@moeq/quantizers';
import { decoderTensors } from '@moeq/runtime';
import { type QuantizedTensor, type Tensor, toFloat32 } from '@moeq/tensors';
import { placeFinder } from '../checkpoint/names.js';
import { findArchitecture } from '../config/architectures.js';

export interface QuantizedFiles {
  readonly tensors: Map<string, Tensor>;
  readonly config: Record<string, unknown>;
}

/** Stores what `quantizer` makes of the experts as `form` says; all else stays. */
export function quantizeExperts(
  tensors: ReadonlyMap<string, Tensor>,
  config: Readonly<Record<string, unknown>>,
  quantizer: Quantizer,
  form: 'bitsandbytes' | 'moeq',
): QuantizedFiles {
  const architecture = findArchitecture(config, 'config.json');
  const placeOf = placeFinder(architecture, architecture.decoder(config, 'config.json'));
  const out = new Map<string, Tensor>();
  const quantized: [string, QuantizedTensor][] = [];
  for (const [name, tensor] of tensors) {
    const slot = placeOf(name)?.slot;
    if (slot === undefined || decoderTensors[slot].role !== 'expert') {
      out.set(name, tensor);
      continue;
    }
    const [rows = 0, columns = 0] = tensor.shape;
    const weights = toFloat32(tensor.data, tensor.dtype);
    const made = quantizer.quantize(weights, [rows, columns], { name, dtype: 'BF16' });
    quantized.push([name, made]);
    const stored = form === 'bitsandbytes' ? toBitsandbytes(name, made) : toMoeq(name, made);
    for (const [part, value] of Object.entries(stored)) out.set(part, value);
  }
  return { tensors: out, config: { ...config, quantization_config: block(quantized, quantizer, form) } };
}

function block(
  quantized: readonly [string, QuantizedTensor][],
  quantizer: Quantizer,
  form: 'bitsandbytes' | 'moeq',
) {
  if (form === 'moeq')
    return moeqConfig(
      quantized.map(([name, tensor]) => [name, moeqEntry(tensor)] as const),
      [quantizer],
    );
  const assignments = quantized.map(([name, { shape }]) => ({
    facts: { name, role: 'expert' as const, shape },
    quantizer,
  }));
  const expression = canExpress(assignments);
  if (!expression.expressible) throw new Error(expression.reason);
  return expression.config;
}

/** The fused layout of transformers 5: experts stacked on dimension 0, gate rows above up rows. */
export function fuseMixtral(tensors: ReadonlyMap<string, Tensor>, experts: number): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const expert = /^(model\.layers\.\d+)\.block_sparse_moe\.experts\.0\.w1\.weight$/.exec(name);
    if (name.endsWith('.block_sparse_moe.gate.weight'))
      out.set(name.replace('block_sparse_moe', 'mlp'), tensor);
    else if (!name.includes('.experts.')) out.set(name, tensor);
    if (expert === null) continue;
    const part = (index: number, w: string) =>
      tensors.get(`${expert[1]}.block_sparse_moe.experts.${index}.${w}.weight`);
    const indices = Array.from({ length: experts }, (_, index) => index);
    out.set(
      `${expert[1]}.mlp.experts.gate_up_proj`,
      stack(indices.map((e) => [part(e, 'w1'), part(e, 'w3')])),
    );
    out.set(`${expert[1]}.mlp.experts.down_proj`, stack(indices.map((e) => [part(e, 'w2')])));
  }
  return out;
}

function stack(experts: readonly (Tensor | undefined)[][]): Tensor {
  const parts = experts.flat().flatMap((tensor) => tensor ?? []);
  const [first] = parts;
  if (first === undefined || parts.length !== experts.flat().length) throw new Error('an expert is missing');
  const [rows = 0, columns = 0] = first.shape;
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.data.byteLength, 0));
  parts.reduce((at, part) => {
    data.set(part.data, at);
    return at + part.data.byteLength;
  }, 0);
  return { dtype: first.dtype, shape: [experts.length, (experts[0]?.length ?? 0) * rows, columns], data };
}
