// The JSON header of a safetensors file: {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {…}}.
// Offsets count from the end of the header; tensors lie one behind the other, without holes, up to the end of the file.
// Format: huggingface/safetensors, README "Format" and `validate` in safetensors/src/tensor.rs.
import { byteLength, type DType, describeTensor, isDType, storedDTypes } from './dtype.js';
import { MoeqError, quote } from './errors.js';
import { JsonScanner } from './json-scanner.js';

/** As the format defines it, so that a hostile length cannot claim memory. */
export const maxHeaderBytes = 100_000_000;

/**
 * Tensors in one file. The largest known checkpoint has 92,000 in 163 files, six times as many when bitsandbytes has
 * quantized it; a header at its limit could claim two million, each of which costs memory and time to hold.
 */
export const maxTensors = 2 ** 19;

/** Dimensions of a tensor: what NumPy and PyTorch can have. */
export const maxRank = 64;

/** The key that is no tensor. */
export const metadataKey = '__metadata__';

export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  /** An object without a prototype: every key is data. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order in which the tensors lie in the file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/**
 * @param text the header, decoded
 * @param file names the file in messages
 * @param dataStart bytes from the start of the file to the first tensor
 * @param fileSize bytes of the file
 * @throws MoeqError that names file and tensor, when the header breaks a rule of the format
 */
export function parseSafetensorsHeader(
  text: string,
  file: string,
  dataStart: number,
  fileSize: number,
): SafetensorsHeader {
  const operation = 'read the safetensors header';
  let subject = file;
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({ operation, subject, expected, found });
  };
  if (!text.startsWith('{')) fail('it to begin with "{"', quote(text.slice(0, 24)));

  const scanner = new JsonScanner(text, fail);
  const metadata: Record<string, string> = Object.create(null);
  const entries: TensorEntry[] = [];
  scanner.object('the header', (name) => {
    if (name === metadataKey) {
      subject = `${file}: ${metadataKey}`;
      scanner.object('the metadata', (key) => {
        metadata[key] = scanner.string(`a string under ${quote(key)}`);
      });
    } else {
      subject = `${file}: tensor ${quote(name)}`;
      if (entries.length === maxTensors) fail(`at most ${maxTensors} tensors`, 'more');
      entries.push(readEntry(scanner, fail, name, dataStart));
    }
    subject = file;
  });
  scanner.end();
  return { metadata, tensors: inFileOrder(entries, file, dataStart, fileSize) };
}

type Fail = (expected: string, found: string) => never;

function readEntry(scanner: JsonScanner, fail: Fail, name: string, dataStart: number): TensorEntry {
  let dtype: DType | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object('a tensor {"dtype", "shape", "data_offsets"}', (key) => {
    if (key === 'dtype') {
      const found = scanner.string('a dtype');
      dtype = isDType(found) ? found : fail(`dtype ${storedDTypes.join(', ')}`, quote(found));
    } else if (key === 'shape') shape = readCounts(scanner, 'the shape', maxRank);
    else if (key === 'data_offsets') offsets = readCounts(scanner, 'data_offsets', 2);
    else fail('the keys dtype, shape and data_offsets', quote(key));
  });
  if (dtype === undefined) return fail('a dtype', 'none');
  if (shape === undefined) return fail('a shape', 'none');
  const [begin, end] = offsets ?? [];
  if (begin === undefined || end === undefined)
    return fail('data_offsets [begin, end]', quote(offsets ?? 'none'));
  if (end < begin) fail('data_offsets that begin before they end', `[${begin}, ${end}]`);
  const needed = byteLength(dtype, shape);
  const tensor = describeTensor(dtype, shape);
  if (!Number.isInteger(needed)) fail('whole bytes', tensor);
  if (!Number.isSafeInteger(needed)) fail('less than 2^53 bytes', tensor);
  if (needed !== end - begin)
    fail(`${needed} bytes of ${tensor}`, `${end - begin} in data_offsets [${begin}, ${end}]`);
  return { name, dtype, shape, offset: dataStart + begin, bytes: needed };
}

function readCounts(scanner: JsonScanner, what: string, most: number): number[] {
  const counts: number[] = [];
  scanner.array(what, () => {
    if (counts.length === most) scanner.fail(`at most ${most} numbers in ${what}`);
    counts.push(scanner.count(what));
  });
  return counts;
}

/** Sorts by place and requires that every byte behind the header belongs to exactly one tensor. */
function inFileOrder(
  entries: TensorEntry[],
  file: string,
  dataStart: number,
  fileSize: number,
): Map<string, TensorEntry> {
  const operation = 'read the safetensors header';
  entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataStart;
  for (const { name, offset, bytes } of entries) {
    if (offset !== end) {
      throw new MoeqError({
        operation,
        subject: `${file}: tensor ${quote(name)}`,
        expected: `its data at ${end - dataStart}, where the tensor before it ends`,
        found: `${offset - dataStart}, ${offset < end ? 'an overlap' : 'a hole'}`,
      });
    }
    end = offset + bytes;
    if (end > fileSize) {
      throw new MoeqError({
        operation,
        subject: `${file}: tensor ${quote(name)}`,
        expected: `a file of ${end} bytes or more`,
        found: `${fileSize}: the file is cut short`,
      });
    }
  }
  if (end < fileSize) {
    throw new MoeqError({
      operation,
      subject: file,
      expected: `the file to end with its last tensor, at ${end} bytes`,
      found: `${fileSize - end} bytes more`,
    });
  }
  return new Map(entries.map((entry) => [entry.name, entry]));
}
