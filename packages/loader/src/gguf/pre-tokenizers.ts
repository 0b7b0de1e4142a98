// How text is cut before byte-pair encoding: GGUF files name it (`tokenizer.ggml.pre`), tokenizer.json spells it out. The
// expressions are those of llama.cpp (src/llama-vocab.cpp, llm_tokenizer_bpe), in the order in which they cut.

export interface PreTokenizer {
  /** As files name it; the first is what is written. */
  readonly names: readonly string[];
  /** Each cuts what those before it left. */
  readonly patterns: readonly string[];
  /** Other spellings of the patterns, joined, that published tokenizers use. */
  readonly spellings?: readonly string[];
  /** Unicode normalization that published tokenizers of this kind do, and llama.cpp leaves out. */
  readonly normalizer?: 'NFC';
  /** A word that is a token is that token, whatever the merges say. */
  readonly ignoreMerges?: boolean;
  /** Texts begin with the BOS token where the file does not say. */
  readonly addBos?: boolean;
}

/** That of GPT-2, and of the ByteLevel pre-tokenizer. */
export const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const contractions = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const ignoringCase = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

const words = (prefix: string, digits: string) =>
  `${prefix}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** Words whose capitals stand in front, with what follows an apostrophe: o200k of OpenAI. */
const capitals = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const small = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const o200k = [
  `[^\\r\\n\\p{L}\\p{N}]?${capitals}*${small}+${ignoringCase}?`,
  `[^\\r\\n\\p{L}\\p{N}]?${capitals}+${small}*${ignoringCase}?`,
  '\\p{N}{1,3}',
  ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
  '\\s*[\\r\\n]+',
  '\\s+(?!\\S)',
  '\\s+',
].join('|');

/** With line ends as they are, as tokenizer.json has them. */
const deepseekV3 = [
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+',
  '[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+',
  ' ?[\\p{P}\\p{S}]+[\r\n]*',
  '\\s*[\r\n]+',
  '\\s+(?!\\S)',
  '\\s+',
].join('|');

export const preTokenizers: readonly PreTokenizer[] = [
  { names: ['gpt-2', 'olmo', 'phi-2', 'mpt'], patterns: [gpt2Pattern] },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'dbrx', 'smaug-bpe'],
    patterns: [words(contractions, '\\p{N}{1,3}')],
    spellings: [words(ignoringCase, '\\p{N}{1,3}')],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ['gpt-4o', 'llama4', 'kanana2', 'minimax-m2'], patterns: [o200k] },
  {
    names: ['deepseek-v3', 'hunyuan-dense'],
    patterns: ['\\p{N}{1,3}', '[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+', deepseekV3],
  },
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'stablelm2'],
    patterns: [words(contractions, '\\p{N}')],
    spellings: [words(ignoringCase, '\\p{N}')],
    normalizer: 'NFC',
  },
  // behind that of Llama 3, which has the same pattern and is what is written for it
  { names: ['glm4', 'chatglm-bpe'], patterns: [words(contractions, '\\p{N}{1,3}')] },
  { names: ['refact', 'starcoder', 'smollm', 'command-r', 'codeshell'], patterns: ['\\p{N}', gpt2Pattern] },
  {
    names: ['default'],
    patterns: ['[\\p{P}\\$\\+<=>\\^~\\|]+', gpt2Pattern, '\\p{N}+', '[0-9][0-9][0-9]'],
  },
];
