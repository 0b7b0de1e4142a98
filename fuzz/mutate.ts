// A new input from old ones: one change or a few, of the document where the parser's input has one, of its bytes else.
import { maxInputBytes, mutateBytes } from './mutate-bytes.ts';
import { type Json, mutateJson } from './mutate-json.ts';
import { type Parser, text } from './parser.ts';
import type { Random } from './random.ts';

/** Deeper documents are changed byte by byte. */
const maxDepth = 600;

const utf8 = new TextEncoder();

/** @param other another input, whose parts may be taken over */
export function mutate(
  input: Uint8Array,
  { structure, words }: Pick<Parser, 'structure' | 'words'>,
  random: Random,
  other: Uint8Array,
): Uint8Array {
  let out = input;
  // one change mostly, now and then five
  for (let changes = 1; changes < 2 || random.below(2) === 0; changes++) {
    const whole = structure !== 'none' && random.below(3) > 0;
    out =
      (whole ? mutateDocument(out, structure, random, words) : null) ??
      mutateBytes(out, random, other, words);
  }
  return out;
}

/** @returns null where there is no document, or it has become too large */
function mutateDocument(
  input: Uint8Array,
  structure: Parser['structure'],
  random: Random,
  words: readonly string[],
): Uint8Array | null {
  const framed = structure === 'safetensors';
  const end = framed ? headerEnd(input) : input.length;
  const written = text(input.subarray(framed ? 8 : 0, end));
  if (isDeep(written)) return null;
  try {
    const document = JSON.parse(written) as Json;
    const changed = utf8.encode(JSON.stringify(mutateJson(document, random, words)));
    const out = framed ? frame(changed, input.subarray(end)) : changed;
    return out.length > maxInputBytes ? null : out;
  } catch {
    // no JSON
    return null;
  }
}

/** Walking a document costs the square of its depth. */
function isDeep(written: string): boolean {
  let depth = 0;
  for (const [bracket] of written.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    if (depth > maxDepth) return true;
  }
  return false;
}

function headerEnd(input: Uint8Array): number {
  if (input.length < 8) return input.length;
  const view = new DataView(input.buffer, input.byteOffset);
  return 8 + Number(view.getBigUint64(0, true));
}

/** A safetensors file of that header and data. */
function frame(header: Uint8Array, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + header.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(header.length), true);
  out.set(header, 8);
  out.set(data, 8 + header.length);
  return out;
}
