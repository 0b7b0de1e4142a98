// GGUF files in memory: a small Mixtral whose metadata and tensors a test changes.
//
// Shapes: D hidden, F intermediate, E experts, V vocabulary.
import {
  encodeGguf,
  fromFloat32,
  type GgufTensor,
  type GgufValue,
  ggufByteLength,
  ggufType,
  memorySource,
} from '@moeq/tensors';
import type { FileSet } from '../files/file-set.js';
import { ggufFiles } from '../gguf/files.js';

export const u32 = (value: number): GgufValue => ({ type: 'u32', value });
export const f32 = (value: number): GgufValue => ({ type: 'f32', value });
export const text = (value: string): GgufValue => ({ type: 'string', value });
export const texts = (value: readonly string[]): GgufValue => ({ type: 'array', of: 'string', value });
export const numbers = (of: 'i32' | 'f32', value: readonly number[]): GgufValue => ({
  type: 'array',
  of,
  value,
});

const [D, F, E, V] = [32, 64, 2, 6];

const metadata: Readonly<Record<string, GgufValue>> = {
  'general.architecture': text('llama'),
  'llama.context_length': u32(16),
  'llama.embedding_length': u32(D),
  'llama.block_count': u32(1),
  'llama.feed_forward_length': u32(F),
  'llama.attention.head_count': u32(4),
  'llama.attention.head_count_kv': u32(2),
  'llama.attention.layer_norm_rms_epsilon': f32(1e-5),
  'llama.rope.freq_base': f32(1e6),
  'llama.expert_count': u32(E),
  'llama.expert_used_count': u32(1),
};

/** A tensor by its type and shape; data random unless given. */
type Stored = readonly [type: string, shape: readonly number[], data?: Uint8Array];

const tensors: Readonly<Record<string, Stored>> = {
  'token_embd.weight': ['F32', [V, D]],
  'output_norm.weight': ['F32', [D]],
  'output.weight': ['F32', [V, D]],
  'blk.0.attn_norm.weight': ['F32', [D]],
  'blk.0.attn_q.weight': ['F32', [D, D]],
  'blk.0.attn_k.weight': ['F32', [D / 2, D]],
  'blk.0.attn_v.weight': ['F32', [D / 2, D]],
  'blk.0.attn_output.weight': ['F32', [D, D]],
  'blk.0.ffn_norm.weight': ['F32', [D]],
  'blk.0.ffn_gate_inp.weight': ['F32', [E, D]],
  'blk.0.ffn_gate_exps.weight': ['Q8_0', [E, F, D]],
  'blk.0.ffn_up_exps.weight': ['Q4_0', [E, F, D]],
  'blk.0.ffn_down_exps.weight': ['F32', [E, D, F]],
};

export interface Changes {
  /** Undefined takes a key away. */
  readonly metadata?: Readonly<Record<string, GgufValue | undefined>>;
  readonly tensors?: Readonly<Record<string, Stored | undefined>>;
}

/** The bytes of the file `x.gguf` with changes. */
export function smallGguf(changes: Changes = {}): Uint8Array {
  const own = Object.entries({ ...metadata, ...changes.metadata });
  const stored = Object.entries({ ...tensors, ...changes.tensors });
  return encodeGguf(
    new Map(own.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))),
    stored.flatMap(([name, tensor]) => (tensor === undefined ? [] : [tensorOf(name, tensor)])),
  );
}

function tensorOf(name: string, [typeName, shape, data]: Stored): GgufTensor & { readonly data: Uint8Array } {
  const type = ggufType(typeName);
  return {
    name,
    type,
    shape,
    data: data ?? randomBytes(typeName, ggufByteLength(type, shape), type.blockBytes),
  };
}

function randomBytes(type: string, bytes: number, blockBytes: number): Uint8Array {
  if (type === 'F32') {
    return fromFloat32(
      Float32Array.from({ length: bytes / 4 }, () => Math.random() - 0.5),
      'F32',
    );
  }
  const blocks = Uint8Array.from({ length: bytes }, () => Math.floor(256 * Math.random()));
  // F16 scales of about 2^-8
  for (let at = 0; at < bytes; at += blockBytes) blocks.set([0, 0x1c], at);
  return blocks;
}

export function openSmall(changes: Changes = {}): Promise<FileSet> {
  return ggufFiles('x.gguf', async (name) => memorySource(name, smallGguf(changes)));
}
