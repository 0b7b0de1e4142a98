// Tensors beside the decoder, which transformers passes over too: buffers, states of modules, scales of a quantized KV cache
// or beside plain weights, adapters, layers behind the last one, prediction heads, towers for images and sound. They are
// carried through and never run. Nothing that could be a part of the decoder is one of them: within its layers and its modules
// only what is listed here, and a name almost like one of the decoder's is not.
import { type DecoderConfig, decoderTensors, layerMixer, slotNames, type TensorPlace } from '@moeq/runtime';
import { type DType, isFloatDType } from '@moeq/tensors';
import type { Architecture } from '../config/architecture.js';
import type { StoredTensor } from '../files/file-set.js';

/** What is known of the checkpoint as a whole. */
interface Facts {
  readonly architecture: Architecture;
  /** L */
  readonly layers: number;
  readonly stored: readonly Pick<StoredTensor, 'name' | 'dtype'>[];
}

/** Whether a stored tensor that has no place in the decoder may be carried along. */
export interface OtherTensors {
  has(tensor: Pick<StoredTensor, 'name' | 'shape'>): boolean;
}

/** Tensors that modules keep for themselves and make again, by the last part of their names. */
const buffers = new Set([
  'inv_freq',
  'original_inv_freq',
  'cos_cached',
  'sin_cached',
  'position_ids',
  'causal_mask',
  'attention_mask',
  'masked_bias',
]);

/** Of a quantized KV cache, as vLLM, compressed-tensors and ModelOpt name them; of weights and inputs there are others. */
const cacheScale =
  /^layers\.\d+\.self_attn\.(?:attn\.|(?:[qkv]|qkv)_proj\.)?(?:(?:q|k|v|kv|prob|kv_cache)(?:_cache)?(?:_output)?_(?:scales?|zero_point)|output_scale|kv_cache_scaling_factor)$/;

/** A causal mask [1, 1, S, S] under the name of a bias, as the GPT family keeps it. */
const mask = /^layers\.\d+\.(?:self_attn|attn)\.(?:bias|mask)$/;

/** Scales of weights, inputs and outputs of a matrix; those of a weight that is quantized are a part of it. */
const matrixScale = /\.(?:weight|input|output)_(?:scale(?:_inv|_2)?|zero_point)$/;

/** A low-rank adapter beside its matrix, as PEFT names it; the matrix stands alone. */
const adapter = /^lora_(?:A|B|embedding_A|embedding_B|magnitude_vector)$/;

/** A copy of the head within the decoder, and a bias that no head here adds. */
const besideHead = /^(?:model\.lm_head\..*|lm_head\.bias)$/;

const ofKeys: readonly string[] = ['key', 'keyBias', 'keyNorm', 'value', 'valueBias'];

/** Whether a place is that of keys and values in a layer that reads another's: files hold them, as transformers once had them. */
export function isPassedOver({ slot, layer: index }: TensorPlace, { layers }: DecoderConfig): boolean {
  const layer = index === undefined ? undefined : layers[index];
  const mixer = layer === undefined ? null : layerMixer(layer);
  return mixer?.kind === 'attention' && mixer.keysOf !== undefined && ofKeys.includes(slot);
}

export function otherTensors({ architecture, layers, stored }: Facts): OtherTensors {
  const withoutPrefix = (name: string): string =>
    name.startsWith(architecture.prefix) ? name.slice(architecture.prefix.length) : name;
  const plain = new Set(stored.filter(({ dtype }) => isPlain(dtype)).map(({ name }) => name));
  const known = slotNames
    .filter((slot) => decoderTensors[slot].of === 'model')
    .flatMap((slot) => architecture.names[slot] ?? [])
    .map(withoutPrefix);
  /** What layers are called in names. */
  const stack = Object.values(architecture.names).some((names) =>
    names?.some((name) => name.includes('.blocks.{layer}')),
  )
    ? 'blocks'
    : 'layers';
  const modules = known.map((name) => `${name.replace(/\.[^.]*$/, '')}.`);
  return {
    has({ name, shape }) {
      const path = withoutPrefix(name);
      const parts = path.split('.');
      const last = parts.at(-1) ?? '';
      if (buffers.has(last) || parts.includes('rotary_emb') || cacheScale.test(path)) return true;
      if (last === '_extra_state' || parts.some((part) => adapter.test(part))) return true;
      if (besideHead.test(name) || architecture.leftAside?.test(path) === true) return true;
      if (matrixScale.test(name) && plain.has(name.replace(matrixScale, '.weight'))) return true;
      if (mask.test(path)) return isMask(shape);
      const [container, layer = ''] = parts;
      if (container === stack)
        return parts.length > 2 && /^(?:0|[1-9]\d{0,5})$/.test(layer) && Number(layer) >= layers;
      if (modules.some((module) => path.startsWith(module))) return false;
      return !known.some((own) => isMisspelt(path, own)) && !isMisspeltContainer(parts);
    },
  };
}

const isPlain = (dtype: DType): boolean => dtype === 'F64' || isFloatDType(dtype);

function isMask(shape: readonly number[]): boolean {
  const [batch, heads, rows, columns, ...rest] = shape;
  return batch === 1 && heads === 1 && rows === columns && rest.length === 0;
}

/** Slips of the pen: two letters wrong, missing or too many. */
const mostSlips = 2;

function isMisspelt(name: string, own: string): boolean {
  return name !== own && distance(name, own) <= mostSlips;
}

/** `model.layer.0.…`, `modle.layers.0.…` */
function isMisspeltContainer([first = '', second = '']: readonly string[]): boolean {
  if (/^-?\d+$/.test(second)) return isMisspelt(first, 'layers');
  return ['layers', 'embed_tokens', 'norm'].includes(second) && isMisspelt(first, 'model');
}

/** Letters to change, add, drop or swap with a neighbour; more than mostSlips where lengths alone say so. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > mostSlips) return mostSlips + 1;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const at = (di: number, dj: number) => (di === 0 ? row : (rows[i - di] ?? []))[j - dj] ?? 0;
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(2, 2) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
