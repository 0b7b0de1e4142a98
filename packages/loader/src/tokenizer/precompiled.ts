// SentencePiece's character map (`precompiled_charsmap`): a double array of UTF-8 prefixes, 32 bits a unit, and the texts
// that replace them, each ended by a zero byte. As the spm_precompiled crate reads it, by grapheme clusters.
import type { Component } from './component.js';

const utf8 = new TextEncoder();
/** Clusters of so many bytes are looked up by their characters only. */
const longCluster = 6;

/** @throws MoeqError for a map that is no base64 or does not hold what its first four bytes say */
export function precompiled(component: Component): (text: string) => string {
  const bytes = decode(component);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length < 4 ? Number.NaN : view.getUint32(0, true);
  if (!(size % 4 === 0 && size > 0 && size <= bytes.length - 4)) {
    return component.refuse('a map of characters as precompiled_charsmap', `${bytes.length} bytes`);
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const texts = bytes.subarray(4 + size);
  const known = new Map<string, string | null>();
  const lookUp = (text: string): string | null => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = shortestPrefix(units, utf8.encode(text));
    const end = value === null ? -1 : texts.indexOf(0, value);
    const put =
      value === null
        ? null
        : new TextDecoder().decode(texts.subarray(value, end === -1 ? texts.length : end));
    known.set(text, put);
    return put;
  };
  const clusters = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return (text) => {
    let result = '';
    for (const { segment } of clusters.segment(text)) {
      const whole = utf8.encode(segment).length < longCluster ? lookUp(segment) : null;
      if (whole !== null) result += whole;
      else for (const character of segment) result += lookUp(character) ?? character;
    }
    return result;
  };
}

function decode(component: Component): Uint8Array {
  const text = component.text('precompiled_charsmap');
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    return component.refuse('base64 as precompiled_charsmap', text.slice(0, 40), cause);
  }
}

/** The value of the shortest key that `bytes` begin with; null where there is none. */
function shortestPrefix(units: Uint32Array, bytes: Uint8Array): number | null {
  const offset = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let at = offset(units[0] ?? 0);
  for (const byte of bytes) {
    if (byte === 0) return null;
    at ^= byte;
    const unit = units[at] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== byte) return null;
    at ^= offset(unit);
    if (((unit >>> 8) & 1) === 1) return (units[at] ?? 0) & 0x7fffffff;
  }
  return null;
}
