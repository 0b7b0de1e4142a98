// What makes keys and values of latents, which llama.cpp holds apart so that it can multiply queries with the keys' part:
// attn_k_b [H, R, N], transposed, and attn_v_b [H, V, R]. Here they are one matrix again; older files have it as it is.
// https://github.com/ggml-org/llama.cpp, conversion/deepseek.py, modify_tensors.
//
// Shapes: H heads, N dimensions of a key without rotation, V of a value, R latent.
import { type LatentConfig, layerMixer, type TensorPlace } from '@moeq/runtime';
import {
  type ByteSource,
  type FloatDType,
  fromFloat32,
  type GgufEntry,
  isDType,
  isFloatDType,
  MoeqError,
  quote,
} from '@moeq/tensors';
import { tensorName } from '../checkpoint/names.js';
import type { StoredTensor } from '../files/file-set.js';
import { computedTensor, readFloats } from './computed.js';
import type { GgufWeights } from './gguf-weights.js';

/** Of the part of the keys and that of the values, with `{layer}`. */
export const latentUpNames = {
  keys: 'blk.{layer}.attn_k_b.weight',
  values: 'blk.{layer}.attn_v_b.weight',
};

const partName = /^blk\.(0|[1-9]\d{0,5})\.attn_([kv])_b\.weight$/;

export const isPartOfLatentUp = (name: string): boolean => partName.test(name);

interface Part {
  readonly source: ByteSource;
  readonly entry: GgufEntry;
}

/** @throws MoeqError for one part without the other, or parts of other shapes */
export function* latentUps({
  parts,
  architecture,
  decoder,
}: GgufWeights): Generator<{ readonly stored: StoredTensor; readonly place: TensorPlace }> {
  const found = new Map<number, Partial<Record<string, Part>>>();
  for (const { source, tensors } of parts) {
    for (const entry of tensors.values()) {
      const [, layer, kind = ''] = partName.exec(entry.name) ?? [];
      if (layer === undefined || Number(layer) >= decoder.layers.length) continue;
      found.set(Number(layer), { ...found.get(Number(layer)), [kind]: { source, entry } });
    }
  }
  for (const [layer, { k, v }] of found) {
    const own = decoder.layers[layer];
    const mixer = own === undefined ? null : layerMixer(own);
    const [first = { source: { name: '' }, entry: { name: '' } }] = [k, v].filter(
      (part) => part !== undefined,
    );
    const subject = `${first.source.name}: tensor ${quote(first.entry.name)}`;
    const fail = (expected: string, found: string): never => {
      throw new MoeqError({ operation: 'match the tensors to the configuration', subject, expected, found });
    };
    if (mixer?.kind !== 'latent') return fail('a layer with latent attention', mixer?.kind ?? 'none');
    if (k === undefined || v === undefined)
      return fail(`blk.${layer}.attn_k_b.weight and blk.${layer}.attn_v_b.weight`, 'one of them');
    const { heads, latentDim, nopeDim, valueDim } = mixer;
    for (const [{ entry }, shape] of [
      [k, [heads, latentDim, nopeDim]],
      [v, [heads, valueDim, latentDim]],
    ] as const) {
      if (JSON.stringify(entry.shape) !== JSON.stringify(shape))
        fail(`${quote(entry.name)} with shape ${JSON.stringify(shape)}`, JSON.stringify(entry.shape));
    }
    const place = { slot: 'latentUp', layer } as const;
    yield { place, stored: joined(tensorName(architecture, place), k, v, mixer) };
  }
}

/** [H (N + V), R], of each head the rows of its keys, then those of its values. */
function joined(
  name: string,
  k: Part,
  v: Part,
  { heads, latentDim, nopeDim, valueDim }: LatentConfig,
): StoredTensor {
  const shape = [heads * (nopeDim + valueDim), latentDim];
  const dtype = dtypeOf(k.entry) === dtypeOf(v.entry) ? dtypeOf(k.entry) : 'F32';
  const readAll = async (signal?: AbortSignal) => {
    const floatsOf = ({ source, entry }: Part) => readFloats(source, entry, entry.shape, signal);
    const [keys, values] = await Promise.all([floatsOf(k), floatsOf(v)]);
    const out = new Float32Array(heads * (nopeDim + valueDim) * latentDim);
    let to = 0;
    for (let head = 0; head < heads; head++) {
      const first = head * latentDim * nopeDim;
      for (let row = 0; row < nopeDim; row++)
        for (let column = 0; column < latentDim; column++)
          out[to++] = keys[first + column * nopeDim + row] as number;
      const size = valueDim * latentDim;
      out.set(values.subarray(head * size, (head + 1) * size), to);
      to += size;
    }
    return fromFloat32(out, dtype);
  };
  return computedTensor({ name, dtype, shape, file: k.source.name }, readAll);
}

/** F32 of blocks, which turned about are no blocks. */
function dtypeOf({ type: { content } }: GgufEntry): FloatDType {
  return typeof content === 'string' && isDType(content) && isFloatDType(content) ? content : 'F32';
}
