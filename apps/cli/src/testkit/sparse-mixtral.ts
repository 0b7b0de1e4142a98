// A checkpoint of the shape of Mixtral 8x7B whose files are headers and holes: 93 GB in bfloat16, 26 GB in NF4, and a few
// kilobytes on the disk. Its weights are all zero, and a test that reads them takes as long as the real ones.
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { doubleQuant, nf4, planBitsandbytes } from '@moeq/quantizers';
import { byteLength, type DType } from '@moeq/tensors';

const config = {
  architectures: ['MixtralForCausalLM'],
  model_type: 'mixtral',
  vocab_size: 32000,
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  num_local_experts: 8,
  num_experts_per_tok: 2,
  max_position_embeddings: 32768,
  rms_norm_eps: 1e-5,
  rope_theta: 1e6,
  torch_dtype: 'bfloat16',
};

const quantization = {
  quant_method: 'bitsandbytes',
  load_in_4bit: true,
  load_in_8bit: false,
  bnb_4bit_quant_type: 'nf4',
  bnb_4bit_use_double_quant: true,
};

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** @param format of the experts */
function* entries(format: 'BF16' | 'nf4'): Generator<Entry> {
  const { hidden_size: hidden, intermediate_size: intermediate, vocab_size: vocabulary } = config;
  const plain = (name: string, ...shape: number[]): Entry => ({ name, dtype: 'BF16', shape });
  const quantizer = doubleQuant(nf4({ blockSize: 64 }));
  function* expert(name: string, rows: number, columns: number): Generator<Entry> {
    if (format === 'BF16') yield plain(name, rows, columns);
    else {
      for (const part of planBitsandbytes(name, quantizer, [rows, columns], 'BF16')) {
        yield 'maxBytes' in part ? { name: part.name, dtype: 'U8', shape: [part.maxBytes] } : part;
      }
    }
  }
  yield plain('model.embed_tokens.weight', vocabulary, hidden);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    yield plain(`${prefix}.self_attn.q_proj.weight`, hidden, hidden);
    yield plain(`${prefix}.self_attn.k_proj.weight`, 1024, hidden);
    yield plain(`${prefix}.self_attn.v_proj.weight`, 1024, hidden);
    yield plain(`${prefix}.self_attn.o_proj.weight`, hidden, hidden);
    yield plain(`${prefix}.input_layernorm.weight`, hidden);
    yield plain(`${prefix}.post_attention_layernorm.weight`, hidden);
    yield plain(`${prefix}.block_sparse_moe.gate.weight`, 8, hidden);
    for (let index = 0; index < 8; index++) {
      const at = `${prefix}.block_sparse_moe.experts.${index}`;
      yield* expert(`${at}.w1.weight`, intermediate, hidden);
      yield* expert(`${at}.w2.weight`, hidden, intermediate);
      yield* expert(`${at}.w3.weight`, intermediate, hidden);
    }
  }
  yield plain('model.norm.weight', hidden);
  yield plain('lm_head.weight', vocabulary, hidden);
}

/**
 * Writes it into a folder.
 * @returns bytes of the header, behind which the weights begin, and of the whole file
 */
export async function writeSparseMixtral(
  folder: string,
  format: 'BF16' | 'nf4',
): Promise<{ readonly headerBytes: number; readonly bytes: number }> {
  const header: Record<string, object> = {};
  let end = 0;
  for (const { name, dtype, shape } of entries(format)) {
    const begin = end;
    end += byteLength(dtype, shape);
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  const file = await open(join(folder, 'model.safetensors'), 'w');
  try {
    await file.write(length);
    await file.write(text);
    await file.truncate(8 + text.length + end);
  } finally {
    await file.close();
  }
  const whole = format === 'BF16' ? config : { ...config, quantization_config: quantization };
  await writeFile(join(folder, 'config.json'), JSON.stringify(whole));
  return { headerBytes: 8 + text.length, bytes: 8 + text.length + end };
}
