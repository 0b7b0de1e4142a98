// A GGUF file split as llama-gguf-split does: the first part has the metadata, each has `split.no`, `split.count` and
// `split.tensors.count`, and tensors lie in parts in their order.
import { encodeGguf, type GgufValue, memorySource, openGguf } from '@moeq/tensors';

export interface SplitOptions {
  /** Of the names, which are `<prefix>-00001-of-00003.gguf`, … */
  readonly prefix?: string;
  readonly parts?: number;
  /** Metadata of a part, by its index, over what it has; undefined takes a key away. */
  readonly metadata?: (index: number) => Readonly<Record<string, GgufValue | undefined>>;
  /** The part that a tensor goes to, by its place in the file. */
  readonly partOf?: (tensor: number, tensors: number) => number;
}

/** @returns the parts by their names, in order */
export async function splitGguf(
  data: Uint8Array,
  options: SplitOptions = {},
): Promise<Record<string, Uint8Array>> {
  const { prefix = 'x', parts = 3, metadata = () => ({}) } = options;
  const { partOf = (tensor, tensors) => Math.floor((tensor * parts) / tensors) } = options;
  const file = await openGguf(memorySource('whole', data));
  const entries = [...file.tensors.values()];
  const split: Record<string, Uint8Array> = {};
  for (let index = 0; index < parts; index++) {
    const own: Record<string, GgufValue | undefined> = {
      ...(index === 0 && Object.fromEntries(file.metadata)),
      'split.no': { type: 'u16', value: index },
      'split.count': { type: 'u16', value: parts },
      'split.tensors.count': { type: 'i32', value: entries.length },
      ...metadata(index),
    };
    const kept = Object.entries(own).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    );
    const tensors = entries
      .filter((_, tensor) => partOf(tensor, entries.length) === index)
      .map((entry) => ({ ...entry, data: data.subarray(entry.offset, entry.offset + entry.bytes) }));
    split[`${prefix}-${digits(index + 1)}-of-${digits(parts)}.gguf`] = encodeGguf(new Map(kept), tensors);
  }
  return split;
}

const digits = (value: number) => String(value).padStart(5, '0');
