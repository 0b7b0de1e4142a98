// Every parser of what others wrote, by the name that its corpus has.
import { ggufFiles, openCheckpoint, openModelFiles } from '@moeq/loader';
import { fromBitsAndBytesConfig, fromBitsandbytes, parseRecipe } from '@moeq/quantizers';
import {
  decodeTensor,
  MoeqError,
  memorySource,
  openGguf,
  openSafetensors,
  parseSafetensorsIndex,
} from '@moeq/tensors';
import { parseTokenIds } from '../apps/cli/src/token-ids.ts';
import { modelFiles, plainConfig, quantizedModel } from './model-files.ts';
import { json, type Parser, text } from './parser.ts';

const own = await quantizedModel('moeq');
const bitsandbytes = await quantizedModel('bitsandbytes');

const dtypeWords = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'I64', 'U8', 'BOOL'];

const configWords = [
  ...Object.keys(plainConfig),
  ...['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'granitemoe', 'silu', 'gelu', 'default', 'linear'],
  ...['rope_scaling', 'rope_parameters', 'rope_theta', 'layer_types', 'sliding_window', 'num_experts'],
  ...[
    'shared_expert_intermediate_size',
    'mlp_only_layers',
    'decoder_sparse_step',
    'norm_topk_prob',
    'clip_qkv',
  ],
];

const quantizationWords = [
  ...['quant_method', 'bitsandbytes', 'moeq', 'load_in_4bit', 'load_in_8bit', 'bnb_4bit_quant_type', 'fp4'],
  ...['bnb_4bit_use_double_quant', 'bnb_4bit_compute_dtype', 'llm_int8_skip_modules', 'layouts', 'tensors'],
  ...['blockSize', 'nested', 'plain', 'codebook', 'affine', 'signed', 'zeroPoint', 'offset', 'splitHalves'],
  ...['row', 'flat', 'hasOffset', 'F8_E8M0', 'multiplier', 'constant'],
];

const tokenizerWords = [
  ...[
    'BPE',
    'WordPiece',
    'Unigram',
    'ByteLevel',
    'Metaspace',
    'Sequence',
    'Split',
    'Digits',
    'Replace',
    'Strip',
  ],
  ...['NFC', 'NFKD', 'Lowercase', 'Prepend', 'ByteFallback', 'Fuse', 'TemplateProcessing', 'Regex', 'String'],
  ...[
    '(a+)+$',
    '(?:\\p{L}|\\s)*x',
    '\\p{L}+',
    '(?=',
    '[',
    '(\\w|\\w\\w)+!',
    '.*.*.*=',
    'Isolated',
    'Removed',
  ],
  ...[
    'pattern',
    'content',
    'normalizer',
    'pre_tokenizer',
    'post_processor',
    'decoder',
    'added_tokens',
    'special',
  ],
];

const templateWords = [
  ...'{{ }} {% %} {# #} {%- -%} for in if elif else endif endfor set macro endmacro call filter'.split(' '),
  ...'messages m loop . [ ] ( ) | ~ + - * ** / // % = == != , : not is defined and or none true'.split(' '),
  ...'range namespace joiner join tojson length upper split replace indent map selectattr batch'.split(' '),
  ...'raise_exception strftime_now bos_token loop.index0 999999999 __proto__ constructor break'.split(' '),
];

const ggufWords = [
  ...[
    'general.architecture',
    'general.alignment',
    'llama',
    'qwen3moe',
    'llama.expert_count',
    'llama.block_count',
  ],
  ...[
    'tokenizer.ggml.model',
    'tokenizer.ggml.tokens',
    'tokenizer.ggml.merges',
    'gpt2',
    'tokenizer.chat_template',
  ],
  ...['blk.0.ffn_gate_exps.weight', 'blk.0.attn_q.weight', 'token_embd.weight', 'output.weight'],
];

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'In the 20 beginnings, éä 🦉' },
];

export const parsers: Readonly<Record<string, Parser>> = {
  safetensors: {
    structure: 'safetensors',
    words: ['__metadata__', 'dtype', 'shape', 'data_offsets', ...dtypeWords],
    async read(input) {
      const file = await openSafetensors(memorySource('model.safetensors', input));
      for (const name of file.tensors.keys()) await file.read(name);
    },
  },
  'safetensors-index': {
    structure: 'json',
    words: ['weight_map', 'metadata', 'total_size', '../', '/', 'C:\\', 'https://', '%2e%2e', 'con'],
    read: (input) => parseSafetensorsIndex(text(input), 'model.safetensors.index.json'),
  },
  config: {
    structure: 'json',
    words: configWords,
    async read(input) {
      await (await openCheckpoint(modelFiles({ 'config.json': input }))).close();
    },
  },
  'generation-config': {
    structure: 'json',
    words: ['eos_token_id', 'temperature', 'top_k', 'top_p', 'min_p', 'do_sample', 'max_new_tokens'],
    async read(input) {
      await (await openModelFiles(modelFiles({ 'generation_config.json': input }))).close();
    },
  },
  'quantization-config': {
    structure: 'json',
    words: quantizationWords,
    async read(input) {
      const document = json(input);
      if (document === undefined) return;
      const config = { ...plainConfig, quantization_config: document.value };
      const reads = await Promise.allSettled(
        [own, bitsandbytes].map(async ({ weights }) => {
          const files = modelFiles({ 'config.json': config, 'model.safetensors': weights });
          const { tensors, close } = await openCheckpoint(files);
          await tensors
            .find(({ facts }) => facts.role === 'expert')
            ?.read()
            .finally(close);
        }),
      );
      const refusals = reads.flatMap((read) => (read.status === 'rejected' ? [read.reason as unknown] : []));
      // one that is no refusal is the find
      const [worst] = refusals.toSorted(
        (a, b) => Number(MoeqError.isInstance(a)) - Number(MoeqError.isInstance(b)),
      );
      if (worst !== undefined) throw worst;
    },
  },
  'quant-state': {
    structure: 'json',
    words: [...quantizationWords, 'quant_type', 'nf4', 'blocksize', 'float16', 'nested_offset'],
    read(input) {
      const key = `${bitsandbytes.name}.quant_state.bitsandbytes__nf4`;
      const state = { dtype: 'U8', shape: [input.length], data: input } as const;
      decodeTensor(fromBitsandbytes(bitsandbytes.name, { ...bitsandbytes.parts, [key]: state }));
    },
  },
  recipe: {
    structure: 'json',
    words: [
      ...['rules', 'role', 'expert', 'router', 'layer', 'projection', 'downProj', 'gateUpProj', 'quantizer'],
      ...[
        'keep',
        'nf4',
        'int4',
        'int8',
        'fp4',
        'doubleQuant',
        'blockSize',
        'search',
        'granularity',
        'from',
        'to',
      ],
    ],
    read(input) {
      const document = json(input);
      if (document !== undefined) parseRecipe(document.value);
    },
  },
  'bitsandbytes-config': {
    structure: 'json',
    words: quantizationWords,
    read(input) {
      const document = json(input);
      if (document !== undefined) fromBitsAndBytesConfig(document.value);
    },
  },
  tokenizer: {
    structure: 'json',
    words: tokenizerWords,
    async read(input) {
      const model = await openModelFiles(modelFiles({ 'tokenizer.json': input }));
      if (model.unreadableTokenizer !== undefined) throw model.unreadableTokenizer;
      model.tokenizer?.decode(model.tokenizer.encode('In the 20 beginnings, éä 🦉\n'));
      model.tokenizer?.encode('a'.repeat(40));
      await model.close();
    },
  },
  'tokenizer-config': {
    structure: 'json',
    words: ['chat_template', 'name', 'default', 'template', 'bos_token', 'content', ...templateWords],
    async read(input) {
      const model = await openModelFiles(modelFiles({ 'tokenizer_config.json': input }));
      model.formatChat?.(messages);
      await model.close();
    },
  },
  template: {
    structure: 'none',
    words: templateWords.flatMap((word) => [word, ` ${word} `]),
    async read(input) {
      const model = await openModelFiles(modelFiles({ 'chat_template.jinja': input }));
      model.formatChat?.(messages);
      await model.close();
    },
  },
  gguf: {
    structure: 'none',
    words: ggufWords,
    async read(input) {
      const file = await openGguf(memorySource('model.gguf', input));
      for (const name of file.tensors.keys()) await file.read(name);
    },
  },
  'gguf-model': {
    structure: 'none',
    words: ggufWords,
    async read(input) {
      const model = await openModelFiles(
        await ggufFiles('model.gguf', async (name) => memorySource(name, input)),
      );
      for (const tensor of model.checkpoint.tensors) await tensor.read();
      model.tokenizer?.decode(model.tokenizer.encode('In the 20 beginnings'));
      model.formatChat?.(messages);
      await model.close();
    },
  },
  'token-ids': {
    structure: 'json',
    words: [],
    read: (input) => parseTokenIds(text(input), 'ids.json'),
  },
};
