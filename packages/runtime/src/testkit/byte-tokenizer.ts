// A tokenizer whose tokens are given byte strings, decoded as byte-level BPE decodes: the bytes of all tokens joined, then
// read as UTF-8 with U+FFFD for what is none. It encodes by the longest token that fits.
import type { Tokenizer } from '../model-source.js';

export function byteTokenizer(tokens: readonly (readonly number[])[]): Tokenizer {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    vocabularySize: tokens.length,
    encode(text) {
      const bytes = [...new TextEncoder().encode(text)];
      const ids: number[] = [];
      for (let position = 0; position < bytes.length; ) {
        const fits = (token: readonly number[]) =>
          token.length > 0 && token.every((byte, index) => bytes[position + index] === byte);
        const best = Math.max(0, ...tokens.filter(fits).map(({ length }) => length));
        const id = tokens.findIndex((token) => token.length === best && fits(token));
        if (id === -1) throw new Error(`no token for byte ${bytes[position]}`);
        ids.push(id);
        position += best;
      }
      return ids;
    },
    decode: (ids) => decoder.decode(Uint8Array.from(ids.flatMap((id) => [...(tokens[id] ?? [])]))),
  };
}
