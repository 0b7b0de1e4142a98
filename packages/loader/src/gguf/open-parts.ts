// All parts of a model in GGUF, one file as a rule, opened and held against one another: what `split.no`, `split.count` and
// `split.tensors.count` say, which llama-gguf-split writes into each, and what their names say.
// https://github.com/ggml-org/llama.cpp, tools/gguf-split.
import {
  type ByteSource,
  counted,
  type GgufFile,
  type GgufMetadata,
  MoeqError,
  openGguf,
  quote,
} from '@moeq/tensors';
import { type PartName, partName, partsOf } from './part-names.js';

/** Opens a file of a folder by its name; null when there is no such file. */
export type OpenFile = (name: string) => Promise<ByteSource | null>;

/** A part of a model and the source that it is read from. */
export interface GgufPart {
  readonly source: ByteSource;
  readonly file: GgufFile;
}

/**
 * Opens the sources of all parts of a model, in order.
 * @param name of any of its parts
 * @throws MoeqError naming a part that is not there. Nothing stays open then.
 */
export async function openSources(name: string, open: OpenFile): Promise<ByteSource[]> {
  const sources: ByteSource[] = [];
  try {
    for (const part of partsOf(name)) {
      const source = await open(part);
      if (source === null) {
        const [first] = sources;
        throw splitError(
          first?.name ?? name,
          `its other parts beside it, ${quote(part, 200)} among them`,
          'no such file',
        );
      }
      sources.push(source);
    }
    return sources;
  } catch (error) {
    await closeAll(sources);
    throw error;
  }
}

export async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  await Promise.all(sources.map((source) => source.close?.()));
}

/**
 * Reads the headers of the parts of a model.
 * @param name of one of its parts
 * @param sources of all parts, in order
 * @throws MoeqError naming the file that is no GGUF file, or does not belong where its name puts it
 */
export async function readParts(name: string, sources: readonly ByteSource[]): Promise<GgufPart[]> {
  const parts: GgufPart[] = [];
  for (const source of sources) parts.push({ source, file: await openGguf(source) });
  const own = partName(name);
  parts.forEach(({ source, file: { metadata } }, index) => {
    if (own === null) assertWhole(source.name, metadata);
    else assertPlace(source.name, metadata, index, own);
  });
  assertOneModel(parts);
  return parts;
}

function assertWhole(file: string, metadata: GgufMetadata): void {
  const count = integerOf(file, metadata, 'split.count') ?? 1;
  if (count === 1) return;
  const number = (integerOf(file, metadata, 'split.no') ?? 0) + 1;
  const digits = (value: number) => String(value).padStart(5, '0');
  throw splitError(
    file,
    `a name that ends with -${digits(number)}-of-${digits(count)}.gguf, by which its other parts are found`,
    `another name of part ${number} of ${count}`,
  );
}

function assertPlace(file: string, metadata: GgufMetadata, index: number, { count }: PartName): void {
  const total = integerOf(file, metadata, 'split.count');
  // a model that was split into one part, or never
  if (count === 1 && (total === null || total === 1)) return;
  const found = (value: number | null) => (value === null ? 'no such key' : `${value}`);
  if (total !== count) throw splitError(file, `split.count ${count}, as its name says`, found(total));
  const number = integerOf(file, metadata, 'split.no');
  if (number === index) return;
  throw splitError(file, `split.no ${index}, as its name says (it counts from 0)`, found(number));
}

/** What parts of one model have in common; only the first need say it. */
const commonKeys = ['general.architecture', 'general.name', 'general.file_type'];

function assertOneModel(parts: readonly GgufPart[]): void {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return;
  const holders = new Map<string, string>();
  const total = integerOf(first.source.name, first.file.metadata, 'split.tensors.count');
  for (const { source, file } of parts) {
    const own = integerOf(source.name, file.metadata, 'split.tensors.count');
    if (own !== total) {
      const expected = `split.tensors.count ${total ?? 'not there'}, as in ${quote(first.source.name, 200)}`;
      throw splitError(source.name, expected, own === null ? 'no such key' : `${own}`);
    }
    for (const key of commonKeys) {
      const [ours, theirs] = [first, { file }].map((part) => part.file.metadata.get(key)?.value);
      if (theirs === undefined || theirs === ours) continue;
      const expected = `a part of the model of ${quote(first.source.name, 200)}, ${key} ${quote(String(ours))}`;
      throw splitError(source.name, expected, quote(String(theirs)));
    }
    for (const name of file.tensors.keys()) {
      const holder = holders.get(name);
      if (holder !== undefined) {
        throw splitError(
          source.name,
          'tensors that no other part has',
          `${quote(name)}, which ${quote(holder, 200)} has`,
        );
      }
      holders.set(name, source.name);
    }
  }
  if (total === null || total === holders.size) return;
  const expected = `${counted(total, 'tensor')} in its ${counted(parts.length, 'part')}, as split.tensors.count says`;
  throw splitError(first.source.name, expected, `${holders.size}`);
}

/** Null for a key that is not there. */
function integerOf(file: string, metadata: GgufMetadata, key: string): number | null {
  const found = metadata.get(key);
  if (found === undefined) return null;
  const value = typeof found.value === 'bigint' ? Number(found.value) : found.value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw splitError(file, `${key} as a whole number from 0`, `${found.type} ${quote(String(found.value))}`);
}

function splitError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'open the model', subject, expected, found });
}
