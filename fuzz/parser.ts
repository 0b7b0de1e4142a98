// What a fuzzed parser is: a plain object, one for each kind of input that moeq takes from others.

export interface Parser {
  /**
   * How inputs are changed besides byte by byte: not at all, as a JSON document, or as the JSON behind the eight bytes of
   * length that begin a safetensors file.
   */
  readonly structure: 'none' | 'json' | 'safetensors';
  /** Words of the format, put in where chance has it. */
  readonly words: readonly string[];
  /** Reads the input to its end. Throwing a MoeqError is an answer, anything else a find. */
  readonly read: (input: Uint8Array) => unknown;
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * The input as JSON, for parsers that take what JSON.parse made.
 * @returns undefined where it is none: not theirs to judge
 */
export function json(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text(bytes)) };
  } catch {
    return undefined;
  }
}
