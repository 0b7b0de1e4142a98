// The bytes that each token adds to a text: of byte-level BPE (GPT-2, Llama 3, Qwen), whose tokens are spelled with one
// printable character a byte, and of SentencePiece's form (Llama 2, Mixtral), whose blanks are ▁ and whose bytes are
// `<0x0A>`. Constrained decoding needs them, as tokens cut characters anywhere.
import { isObject } from '@moeq/tensors';
import type { AddedVocabulary } from './added-vocabulary.js';
import { byteOfToken, bytesOfCharacters } from './bytes.js';

/** SentencePiece's blank. */
const blank = '▁';

/**
 * @param decoder of tokenizer.json, checked already
 * @returns bytes by id, null for special tokens and ids without one; undefined where the decoder is of another kind
 */
export function tokenBytes(
  decoder: unknown,
  vocabulary: Pick<AddedVocabulary, 'tokenOf' | 'isSpecial'>,
): ((id: number) => Uint8Array | null) | undefined {
  const bytesOf = spelling(stepsOf(decoder));
  if (bytesOf === undefined) return undefined;
  return (id) => {
    const token = vocabulary.tokenOf(id);
    return token === undefined || vocabulary.isSpecial(token) ? null : bytesOf(token);
  };
}

interface Step {
  readonly type?: unknown;
  readonly replacement?: unknown;
  readonly pattern?: unknown;
  readonly content?: unknown;
}

function stepsOf(decoder: unknown): Step[] {
  if (!isObject(decoder)) return [];
  const { decoders } = decoder;
  return Array.isArray(decoders) ? decoders.flatMap(stepsOf) : [decoder];
}

function spelling(steps: readonly Step[]): ((token: string) => Uint8Array) | undefined {
  const [first] = steps;
  if (steps.length === 1 && first?.type === 'ByteLevel') return bytesOfCharacters;
  const others = steps.filter((step) => !writesBlanks(step));
  const known = others.every(({ type }) => type === 'ByteFallback' || type === 'Fuse' || type === 'Strip');
  if (!known || steps.length - others.length !== 1) return undefined;
  return others.some(({ type }) => type === 'ByteFallback') ? withBytes : withBlanks;
}

function writesBlanks({ type, replacement, pattern, content }: Step): boolean {
  if (type === 'Metaspace') return replacement === blank;
  const { String: text } = isObject(pattern) ? pattern : {};
  return type === 'Replace' && text === blank && content === ' ';
}

const utf8 = new TextEncoder();

function withBlanks(token: string): Uint8Array {
  return utf8.encode(token.replaceAll(blank, ' '));
}

function withBytes(token: string): Uint8Array {
  const byte = byteOfToken(token);
  return byte === null ? withBlanks(token) : Uint8Array.of(byte);
}
