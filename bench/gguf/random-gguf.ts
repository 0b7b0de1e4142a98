// A Mixtral of any shape with random weights as a GGUF file, written as fast as the disk takes it: codes are random bytes,
// nothing is quantized. Scales are such that activations stay of order one.
//
//   node gguf/random-gguf.ts --out FILE.gguf [--type IQ4_NL] [--hidden 1024] [--intermediate 2048] [--layers 12]
//     [--experts 8] [--per-token 2] [--heads 16] [--kv-heads 4] [--vocabulary 32000] [--context 4096]
import { parseArgs } from 'node:util';
import { architectures, ggufDecoderMetadata, ggufNames } from '@moeq/loader';
import {
  decodeTensor,
  formatBytes,
  fromFloat32,
  fromGgufBlocks,
  type GgufTensor,
  type GgufType,
  type GgufValue,
  ggufByteLength,
  ggufType,
  isQuantized,
} from '@moeq/tensors';
import { createGgufWriter } from '@moeq/tensors/node';

export interface RandomShape {
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly experts: number;
  readonly expertsPerToken: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  readonly context: number;
}

const mib = 2 ** 20;

/**
 * Writes a random Mixtral whose matrices all have one type; routers and norms are F32.
 * @param out replaced if it is there
 * @param type F32, F16, BF16, or one whose blocks have F16 scales: Q8_0, Q4_0 to Q5_1, Q2_K to Q6_K, IQ1_S to IQ4_XS but IQ1_M
 * @param tokenizer the keys of one; tokens that mean nothing unless given
 * @returns bytes of the file
 */
export async function writeRandomGguf(
  out: string,
  type: GgufType,
  shape: RandomShape,
  tokenizer: ReadonlyMap<string, GgufValue> = placeholderTokens(shape.vocabulary),
): Promise<number> {
  const tensors = tensorsOf(type, shape);
  const metadata = new Map([...metadataOf(shape), ...tokenizer]);
  await using writer = await createGgufWriter({ out, metadata, tensors, overwrite: true });
  const random = randomWords();
  for (const tensor of tensors) {
    if (tensor.shape.length === 1) {
      await writer.write(tensor.name, floats(new Float32Array(tensor.shape[0] ?? 0).fill(1), tensor.type));
      continue;
    }
    const columns = tensor.shape.at(-1) ?? 1;
    const row = ggufByteLength(tensor.type, [columns]);
    const rows = ggufByteLength(tensor.type, tensor.shape) / row;
    const strip = Math.max(1, Math.floor(mib / row));
    for (let first = 0; first < rows; first += strip) {
      await writer.write(
        tensor.name,
        randomRows(tensor.type, Math.min(strip, rows - first), columns, random),
      );
    }
  }
  return (await writer.commit()).bytes;
}

function tensorsOf(type: GgufType, shape: RandomShape): GgufTensor[] {
  const { hidden, intermediate, experts, heads, kvHeads, vocabulary } = shape;
  const headDim = hidden / heads;
  const f32 = ggufType('F32');
  const layers = Array.from({ length: shape.layers }, (_, layer): GgufTensor[] => {
    const name = (slot: keyof typeof ggufNames) => ggufNames[slot].replace('{layer}', `${layer}`);
    return [
      { name: name('mixerNorm'), type: f32, shape: [hidden] },
      { name: name('query'), type, shape: [heads * headDim, hidden] },
      { name: name('key'), type, shape: [kvHeads * headDim, hidden] },
      { name: name('value'), type, shape: [kvHeads * headDim, hidden] },
      { name: name('output'), type, shape: [hidden, heads * headDim] },
      { name: name('mlpNorm'), type: f32, shape: [hidden] },
      { name: name('router'), type: f32, shape: [experts, hidden] },
      { name: name('expertGate'), type, shape: [experts, intermediate, hidden] },
      { name: name('expertUp'), type, shape: [experts, intermediate, hidden] },
      { name: name('expertDown'), type, shape: [experts, hidden, intermediate] },
    ];
  });
  return [
    { name: ggufNames.embedding, type, shape: [vocabulary, hidden] },
    ...layers.flat(),
    { name: ggufNames.finalNorm, type: f32, shape: [hidden] },
    { name: ggufNames.head, type, shape: [vocabulary, hidden] },
  ];
}

function metadataOf(shape: RandomShape): Map<string, GgufValue> {
  const mixtral = architectures.find(({ modelTypes }) => modelTypes.includes('mixtral'));
  if (mixtral === undefined) throw new Error('there is no Mixtral');
  const decoder = mixtral.decoder(
    {
      vocab_size: shape.vocabulary,
      hidden_size: shape.hidden,
      intermediate_size: shape.intermediate,
      num_hidden_layers: shape.layers,
      num_attention_heads: shape.heads,
      num_key_value_heads: shape.kvHeads,
      num_local_experts: shape.experts,
      num_experts_per_tok: shape.expertsPerToken,
      max_position_embeddings: shape.context,
    },
    'random',
  );
  return ggufDecoderMetadata(decoder, 'random');
}

/** The character that stands for a byte in a byte-level vocabulary (GPT-2): itself where it can be seen. */
function* byteCharacters(): Generator<string> {
  let others = 256;
  for (let byte = 0; byte < 256; byte++) {
    const visible = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    yield String.fromCharCode(visible ? byte : others++);
  }
}

/** Every byte is a token, so that any text can be read; all others mean nothing. */
function placeholderTokens(size: number): Map<string, GgufValue> {
  const control = 3;
  const bytes = [...byteCharacters()];
  const tokens = Array.from({ length: size }, (_, id) => (id < 3 ? `<${id}>` : (bytes[id - 3] ?? `t${id}`)));
  return new Map<string, GgufValue>([
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'gpt-2' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: tokens }],
    [
      'tokenizer.ggml.token_type',
      { type: 'array', of: 'i32', value: tokens.map((_, id) => (id < 3 ? control : 1)) },
    ],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: ['t t'] }],
    ['tokenizer.ggml.bos_token_id', { type: 'u32', value: 1 }],
    ['tokenizer.ggml.eos_token_id', { type: 'u32', value: 2 }],
  ]);
}

function floats(values: Float32Array, { content }: GgufType): Uint8Array {
  if (typeof content !== 'string') throw new Error('floats have no blocks');
  return fromFloat32(values, content);
}

/**
 * The F16 numbers of a block: bytes from its start, and how many times its scale each is, such that weights have a mean of
 * about zero.
 */
const halves: Readonly<Record<string, readonly (readonly [at: number, times: number])[]>> = {
  Q8_0: [[0, 1]],
  Q4_0: [[0, 1]],
  Q4_1: [
    [0, 1],
    [2, -7.5],
  ],
  Q5_0: [[0, 1]],
  Q5_1: [
    [0, 1],
    [2, -15.5],
  ],
  IQ4_NL: [[0, 1]],
  Q2_K: [
    [80, 1],
    [82, 1.5],
  ],
  Q3_K: [[108, 1]],
  Q4_K: [
    [0, 1],
    [2, 7.5],
  ],
  Q5_K: [
    [0, 1],
    [2, 15.5],
  ],
  Q6_K: [[208, 1]],
  IQ2_XXS: [[0, 1]],
  IQ2_XS: [[0, 1]],
  IQ2_S: [[0, 1]],
  IQ3_XXS: [[0, 1]],
  IQ3_S: [[0, 1]],
  IQ1_S: [[0, 1]],
  IQ4_XS: [[0, 1]],
};

function setScale(type: GgufType, blocks: Uint8Array, scale: number): void {
  const places = halves[type.name];
  if (places === undefined) throw new Error(`no random blocks are made of ${type.name}`);
  for (const [at, times] of places) {
    const bytes = fromFloat32(Float32Array.of(scale * times), 'F16');
    for (let block = 0; block < blocks.length; block += type.blockBytes) blocks.set(bytes, block + at);
  }
}

/** Root mean square of random blocks whose scale is 1. */
function codeSize(type: GgufType): number {
  const shape = [16, 16 * type.blockLength];
  const words = new Uint32Array(Math.ceil(ggufByteLength(type, shape) / 4));
  randomWords()(words);
  const blocks = new Uint8Array(words.buffer, 0, ggufByteLength(type, shape));
  setScale(type, blocks, 1);
  const tensor = fromGgufBlocks(type, shape, blocks);
  if (!isQuantized(tensor)) throw new Error('blocks are quantized');
  const values = decodeTensor(tensor);
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

function randomRows(
  type: GgufType,
  rows: number,
  columns: number,
  random: (words: Uint32Array) => void,
): Uint8Array {
  if (typeof type.content === 'string') {
    const numbers = new Uint32Array(rows * columns);
    random(numbers);
    // uniform numbers of variance 1 / columns
    const width = Math.sqrt(12 / columns);
    return floats(
      Float32Array.from(numbers, (word) => (word / 2 ** 32 - 0.5) * width),
      type,
    );
  }
  const words = new Uint32Array(Math.ceil(ggufByteLength(type, [rows, columns]) / 4));
  random(words);
  const bytes = new Uint8Array(words.buffer, 0, ggufByteLength(type, [rows, columns]));
  // codes as they decode, for a row of variance 1 / columns
  setScale(type, bytes, 1 / (codeSize(type) * Math.sqrt(columns)));
  return bytes;
}

/** Marsaglia's xorshift32: the same file each time. */
function randomWords(): (words: Uint32Array) => void {
  let state = 2463534242;
  return (words) => {
    for (let i = 0; i < words.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = state;
    }
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      type: { type: 'string', default: 'IQ4_NL' },
      hidden: { type: 'string', default: '1024' },
      intermediate: { type: 'string', default: '2048' },
      layers: { type: 'string', default: '12' },
      experts: { type: 'string', default: '8' },
      'per-token': { type: 'string', default: '2' },
      heads: { type: 'string', default: '16' },
      'kv-heads': { type: 'string', default: '4' },
      vocabulary: { type: 'string', default: '32000' },
      context: { type: 'string', default: '4096' },
    },
  });
  if (values.out === undefined) throw new Error('--out FILE.gguf is needed');
  const started = performance.now();
  const bytes = await writeRandomGguf(values.out, ggufType(values.type), {
    hidden: Number(values.hidden),
    intermediate: Number(values.intermediate),
    layers: Number(values.layers),
    experts: Number(values.experts),
    expertsPerToken: Number(values['per-token']),
    heads: Number(values.heads),
    kvHeads: Number(values['kv-heads']),
    vocabulary: Number(values.vocabulary),
    context: Number(values.context),
  });
  const seconds = (performance.now() - started) / 1000;
  console.log(`${values.out}: ${formatBytes(bytes)} in ${seconds.toFixed(1)} s`);
}
