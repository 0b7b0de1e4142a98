// The `tokenizer.*` keys of a GGUF file, checked: tokens with their types and scores, merges, special tokens, template.
import { type GgufMetadata, type GgufValue, MoeqError, quote } from '@moeq/tensors';

/** `llama_token_type`; tokens of the text are normal. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface TokenizerMetadata {
  /** `gpt2`: byte-level byte-pair encoding. `llama`: SentencePiece. */
  readonly model: string;
  /** Name of the pre-tokenizer; null where the file has none. */
  readonly pre: string | null;
  /** By id, each once. */
  readonly tokens: readonly string[];
  /** By id. */
  readonly types: ArrayLike<number>;
  readonly scores: ArrayLike<number> | null;
  /** Two tokens with a blank between them. */
  readonly merges: readonly string[];
  readonly bos: number | null;
  readonly eos: number | null;
  /** Ends a turn of a conversation, where that is not EOS. */
  readonly eot: number | null;
  readonly unknown: number | null;
  readonly addBos: boolean | null;
  readonly addEos: boolean | null;
  readonly addSpacePrefix: boolean;
  readonly chatTemplate: string | null;
}

/**
 * @param file names it in messages
 * @returns null for a file without a tokenizer
 * @throws MoeqError naming a key of another type, lists of different lengths, a token that comes twice, or an id out of range
 */
export function readTokenizerMetadata(metadata: GgufMetadata, file: string): TokenizerMetadata | null {
  const fail = (key: string, expected: string, found: string): never => {
    throw new MoeqError({
      operation: 'read the tokenizer',
      subject: `${file}: key ${quote(key)}`,
      expected,
      found,
    });
  };
  const pick = <Type>(
    name: string,
    expected: string,
    from: (value: GgufValue) => Type | undefined,
  ): Type | null => {
    const key = `tokenizer.${name}`;
    const value = metadata.get(key);
    if (value === undefined) return null;
    return from(value) ?? fail(key, expected, value.type);
  };
  const text = (name: string) =>
    pick(name, 'a string', (value) => (value.type === 'string' ? value.value : undefined));
  const flag = (name: string) =>
    pick(`ggml.${name}`, 'true or false', (value) => (value.type === 'bool' ? value.value : undefined));
  const texts = (name: string) =>
    pick(`ggml.${name}`, 'a list of strings', (value) =>
      value.type === 'array' && value.of === 'string' ? value.value : undefined,
    );
  const numbers = (name: string, length: number) => {
    const found = pick(`ggml.${name}`, 'a list of numbers', (value) =>
      value.type === 'array' && (value.of === 'f32' || value.of === 'i32' || value.of === 'u32')
        ? value.value
        : undefined,
    );
    if (found !== null && found.length !== length) {
      fail(`tokenizer.ggml.${name}`, `${length} numbers, one a token`, `${found.length}`);
    }
    return found;
  };

  const model = text('ggml.model');
  if (model === null || model === 'none' || model === 'no_vocab') return null;
  const tokens = texts('tokens') ?? fail('tokenizer.ggml.tokens', 'tokens', 'none');
  assertUnique(tokens, (token) => fail('tokenizer.ggml.tokens', 'each token once', `${quote(token)} twice`));
  const id = (name: string) => {
    const found = pick(`ggml.${name}`, 'a number', (value) =>
      value.type === 'u32' ? value.value : undefined,
    );
    if (found !== null && found >= tokens.length) {
      fail(`tokenizer.ggml.${name}`, `an id below ${tokens.length}`, `${found}`);
    }
    return found;
  };
  return {
    model,
    pre: text('ggml.pre'),
    tokens,
    types: numbers('token_type', tokens.length) ?? tokens.map(() => tokenTypes.normal),
    scores: numbers('scores', tokens.length),
    merges: texts('merges') ?? [],
    bos: id('bos_token_id'),
    eos: id('eos_token_id'),
    eot: id('eot_token_id'),
    unknown: id('unknown_token_id'),
    addBos: flag('add_bos_token'),
    addEos: flag('add_eos_token'),
    addSpacePrefix: flag('add_space_prefix') ?? true,
    chatTemplate: text('chat_template'),
  };
}

function assertUnique(tokens: readonly string[], fail: (token: string) => never): void {
  const seen = new Set<string>();
  for (const token of tokens) {
    if (seen.has(token)) fail(token);
    seen.add(token);
  }
}
