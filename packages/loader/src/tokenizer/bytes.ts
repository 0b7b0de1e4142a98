// GPT-2's `bytes_to_unicode`: one printable character for each byte. Printable bytes are themselves, all others follow from
// U+0100 on. https://github.com/openai/gpt-2/blob/master/src/encoder.py

const characterOfByte: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    return String.fromCodePoint(printable ? byte : next++);
  });
})();

/** By the code of the character, which is below 0x200; -1: it stands for no byte. */
const byteOfCode = new Int16Array(0x200).fill(-1);
for (const [byte, character] of characterOfByte.entries()) byteOfCode[character.charCodeAt(0)] = byte;

const utf8 = new TextEncoder();

/** A text with one character for each byte of its UTF-8. */
export function toByteCharacters(text: string): string {
  let result = '';
  for (const byte of utf8.encode(text)) result += characterOfByte[byte];
  return result;
}

/** The bytes that a token's characters stand for; those of its UTF-8 where one of them stands for none. */
export function bytesOfCharacters(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = byteOfCode[token.charCodeAt(i)] ?? -1;
    if (byte < 0) return utf8.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/** The byte that a token such as `<0x0A>` stands for; null for any other. */
export function byteOfToken(token: string): number | null {
  // what Rust's u8::from_str_radix takes: it allows a plus
  const digits = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/.exec(token)?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 16);
}

/** `<0x0A>` and its kind. */
export function tokenOfByte(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
