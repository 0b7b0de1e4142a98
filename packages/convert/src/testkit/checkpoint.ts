// Small Mixtral checkpoints with random weights, per expert or fused, written as transformers would.
//
// Shapes: D hidden, F intermediate, E experts, V vocabulary.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { elementCount, encodeSafetensors, type FloatDType, fromFloat32, type Tensor } from '@moeq/tensors';

const D = 64;
const F = 96;
const E = 4;
const V = 128;
const heads = 4;
const headDim = 16;

interface Options {
  /** Experts of a layer in two 3-D tensors, as transformers 5 holds them. */
  readonly fused?: boolean;
  readonly layers?: number;
  readonly dtype?: FloatDType;
  /** Changes weights, float32, before they are rounded to the dtype. */
  readonly edit?: (name: string, values: Float32Array) => void;
}

/** Shapes by name, in the order of the file. */
export function mixtralShapes({ fused = false, layers = 2 }: Options = {}): Record<string, number[]> {
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [V, D] };
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const qkv = heads * headDim;
    for (const name of ['q', 'k', 'v']) shapes[`${prefix}.self_attn.${name}_proj.weight`] = [qkv, D];
    shapes[`${prefix}.self_attn.o_proj.weight`] = [D, qkv];
    for (const name of ['input', 'post_attention']) shapes[`${prefix}.${name}_layernorm.weight`] = [D];
    if (fused) {
      shapes[`${prefix}.mlp.gate.weight`] = [E, D];
      shapes[`${prefix}.mlp.experts.gate_up_proj`] = [E, 2 * F, D];
      shapes[`${prefix}.mlp.experts.down_proj`] = [E, D, F];
      continue;
    }
    shapes[`${prefix}.block_sparse_moe.gate.weight`] = [E, D];
    for (let expert = 0; expert < E; expert++) {
      const at = `${prefix}.block_sparse_moe.experts.${expert}`;
      Object.assign(shapes, {
        [`${at}.w1.weight`]: [F, D],
        [`${at}.w2.weight`]: [D, F],
        [`${at}.w3.weight`]: [F, D],
      });
    }
  }
  return { ...shapes, 'model.norm.weight': [D], 'lm_head.weight': [V, D] };
}

/** A folder that is gone when the scope that holds it ends. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Writes one into a folder of its own. @returns the folder and the tensors in it */
export async function mixtralFolder(
  options: Options = {},
): Promise<TemporaryFolder & { readonly tensors: Readonly<Record<string, Tensor>> }> {
  const folder = await temporaryFolder();
  const { path } = folder;
  const { layers = 2, dtype = 'BF16', edit } = options;
  const tensors: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(mixtralShapes(options))) {
    const values = normals(elementCount(shape));
    edit?.(name, values);
    tensors[name] = { dtype, shape, data: fromFloat32(values, dtype) };
  }
  const config = {
    architectures: ['MixtralForCausalLM'],
    model_type: 'mixtral',
    vocab_size: V,
    hidden_size: D,
    intermediate_size: F,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: heads,
    head_dim: headDim,
    num_local_experts: E,
    num_experts_per_tok: 2,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    torch_dtype: { F32: 'float32', F16: 'float16', BF16: 'bfloat16' }[dtype],
  };
  await writeFile(join(path, 'config.json'), JSON.stringify(config, null, 2));
  await writeFile(join(path, 'generation_config.json'), '{"bos_token_id": 1, "eos_token_id": 2}\n');
  await writeFile(join(path, 'model.safetensors'), encodeSafetensors(tensors, { format: 'pt' }));
  return { ...folder, tensors };
}

/** SHA-256 of every file of a folder, hexadecimal, by name. */
export async function hashesOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const hash = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await hash(name)])));
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'moeq-convert-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Normal numbers of deviation 0.05, fresh at each call; Box and Muller. */
function normals(count: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return 0.05 * radius * Math.cos(2 * Math.PI * Math.random());
  });
}
