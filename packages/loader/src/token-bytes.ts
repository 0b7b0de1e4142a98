// The bytes that each token adds to a text, read from tokenizer.json: of byte-level BPE (GPT-2, Llama 3, Qwen), whose
// tokens are spelled with one printable character a byte, and of SentencePiece's form (Llama 2, Mixtral), whose blanks are
// ▁ and whose bytes are `<0x0A>`. Constrained decoding needs them, as tokens cut characters anywhere.
import { isObject } from './json.js';

/** SentencePiece's blank. */
const blank = '▁';

/**
 * @param file contents of tokenizer.json, checked already
 * @returns bytes by id, null for special tokens and ids without one; undefined where the decoder is of another kind
 */
export function tokenBytes(
  file: Readonly<Record<string, unknown>>,
): ((id: number) => Uint8Array | null) | undefined {
  const { decoder, model, added_tokens: added } = file;
  const bytesOf = spelling(decoderTypes(decoder));
  if (bytesOf === undefined) return undefined;
  const bytes = new Map<number, Uint8Array | null>();
  const { vocab: vocabulary } = isObject(model) ? model : { vocab: {} };
  const entries = Array.isArray(vocabulary)
    ? vocabulary.map((entry, index) => [String(Array.isArray(entry) ? entry[0] : ''), index] as const)
    : Object.entries(isObject(vocabulary) ? vocabulary : {});
  for (const [token, id] of entries) bytes.set(Number(id), bytesOf(token));
  for (const token of Array.isArray(added) ? added : []) {
    if (!isObject(token)) continue;
    const { id, content, special } = token;
    bytes.set(Number(id), special === true ? null : new TextEncoder().encode(String(content)));
  }
  return (id) => bytes.get(id) ?? null;
}

function spelling(decoders: readonly string[]): ((token: string) => Uint8Array | null) | undefined {
  if (decoders.includes('ByteLevel')) return byteLevel;
  return decoders.includes('ByteFallback') || decoders.includes('Metaspace') ? sentencePiece : undefined;
}

function decoderTypes(decoder: unknown): string[] {
  if (!isObject(decoder)) return [];
  const { type, decoders } = decoder;
  return Array.isArray(decoders) ? decoders.flatMap(decoderTypes) : [String(type)];
}

function sentencePiece(token: string): Uint8Array {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  if (byte !== null) return Uint8Array.of(Number.parseInt(byte[1] ?? '', 16));
  return new TextEncoder().encode(token.replaceAll(blank, ' '));
}

/** null for a token with a character that stands for no byte. */
function byteLevel(token: string): Uint8Array | null {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) return null;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** GPT-2's `bytes_to_unicode`, the other way: printable bytes are themselves, all others follow from U+0100 on. */
const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const characters = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte += 1) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    characters.set(String.fromCodePoint(printable ? byte : next), byte);
    if (!printable) next += 1;
  }
  return characters;
})();
