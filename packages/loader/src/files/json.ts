// Text and JSON files of a checkpoint, read whole but never beyond a limit that their kind has.
import { isObject, MoeqError, quote } from '@moeq/tensors';
import type { FileSet } from './file-set.js';

const mebibyte = 1024 * 1024;

/** config.json and its like hold a few kilobytes; a tokenizer_config.json with many added tokens a few hundred. */
export const maxConfigBytes = 16 * mebibyte;
/** The index of a model of a trillion parameters in per-expert tensors is below 20 MB. */
export const maxIndexBytes = 128 * mebibyte;
/** The largest tokenizers (256,000 entries with merges) are below 40 MB. */
export const maxTokenizerBytes = 128 * mebibyte;

/** Files of checkpoints nest less than ten deep; what walks them may call itself once a level. */
const maxDepth = 64;

/**
 * The text of a file in UTF-8; null when there is no such file.
 * @throws MoeqError when it is larger than `maxBytes` or is no UTF-8
 */
export async function readText(files: FileSet, name: string, maxBytes: number): Promise<string | null> {
  const source = await files.open(name);
  if (source === null) return null;
  try {
    if (source.size > maxBytes) {
      throw fileError(source.name, 'read the file', `at most ${maxBytes} bytes`, `${source.size} bytes`);
    }
    const bytes = await source.read(0, source.size);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw fileError(source.name, 'read the file', 'text in UTF-8', 'bytes that are none', cause);
    }
  } finally {
    await source.close?.();
  }
}

/**
 * A JSON object from a file; null when there is no such file.
 * @throws MoeqError when it is too large or nested too deep, no JSON, or JSON but no object
 */
export async function readJsonObject(
  files: FileSet,
  name: string,
  maxBytes: number,
): Promise<Readonly<Record<string, unknown>> | null> {
  if (files.container !== undefined) return files.container.data(name);
  const text = await readText(files, name, maxBytes);
  if (text === null) return null;
  const subject = inSet(files, name);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw fileError(
      subject,
      'read the file',
      'a JSON object',
      `text that begins with ${quote(text, 24)}`,
      cause,
    );
  }
  if (!isObject(value)) throw fileError(subject, 'read the file', 'a JSON object', quote(value));
  assertDepth(value, subject);
  return value;
}

/** A string, which may hold anything, or a number that JSON has no word for. */
const stringOrSpecial = /"[^"\\]*(?:\\.[^"\\]*)*"|NaN|Infinity/gs;

/**
 * JSON, and the literals NaN, Infinity and -Infinity, which Python's json module writes for such floats and reads again.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const replaced = (nan: string) =>
      text.replace(stringOrSpecial, (found) =>
        found === 'NaN' ? nan : found === 'Infinity' ? beyondAll : found,
      );
    const withoutNan = replaced('null');
    if (withoutNan === text) throw error;
    const value: unknown = JSON.parse(withoutNan);
    const written = JSON.stringify(value);
    let mark = 'NaN';
    while (written.includes(mark)) mark += '#';
    return JSON.parse(replaced(`"${mark}"`), (_, each: unknown) => (each === mark ? Number.NaN : each));
  }
}

/** A number of JSON that is infinite as a float64. */
const beyondAll = '1e999';

/** @throws MoeqError for a value nested deeper than `maxDepth` */
function assertDepth(value: object, subject: string): void {
  let level: readonly object[] = [value];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxDepth) {
      throw fileError(subject, 'read the file', `JSON of at most ${maxDepth} levels`, 'more');
    }
    level = level.flatMap((each) => Object.values(each).filter(isNested));
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A file's name as messages give it. */
export function inSet(files: FileSet, name: string): string {
  return `${files.name.replace(/\/+$/, '')}/${name}`;
}

function fileError(
  subject: string,
  operation: string,
  expected: string,
  found: string,
  cause?: unknown,
): MoeqError {
  return new MoeqError({ operation, subject, expected, found, cause });
}
