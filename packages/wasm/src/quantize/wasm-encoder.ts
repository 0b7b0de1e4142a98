// Quantization on worker threads: strips of a matrix are read, encoded and put in their places, a few at a time, whatever the
// size of the matrix; double quantization follows when all its scales are there.
import {
  addNorms,
  type CodeRule,
  type EncodedMatrix,
  type Encoding,
  type MatrixEncoder,
  type MatrixInput,
  type Plane,
  type SquaredNorms,
} from '@moeq/tensors';
import { readOptions, type StartSettings, type WasmOptions } from '../options.js';
import { bitsOf, blocksOf, nestLayout, recordBytes, type StripLayout, stripLayout } from './layout.js';
import type { NestJob, StripJob } from './messages.js';
import { Pool } from './pool.js';
import { type Strip, stripsOf } from './strips.js';
import type { Results, Workspace } from './workspace.js';

/**
 * An encoder with kernels for every rule of `CodeRule`, double-quantized or not.
 * @throws MoeqError for options that are not as described
 */
export function wasmEncoder(options: Omit<WasmOptions, 'onNotice'> = {}): MatrixEncoder {
  return encoderOf(readOptions(options));
}

/** Options that have been read; tests say here that memory is not shared. */
export function encoderOf({ threads, simd, shared, worker = 'embedded' }: StartSettings): MatrixEncoder {
  const pool = new Pool(threads, simd, shared, worker);
  return {
    encode: (input, encoding) => encode(input, encoding, pool),
    close: () => pool.close(),
  };
}

async function encode(
  input: MatrixInput,
  { rule, nested }: Encoding,
  pool: Pool,
): Promise<EncodedMatrix | null> {
  const [rows, columns] = input.shape;
  const blocks = blocksOf(rule, rows, columns);
  const codes = new Uint8Array(Math.ceil((rows * columns * bitsOf(rule)) / 8));
  const zeroPoints = rule.kind === 'affine4' && !rule.symmetric ? new Uint8Array(blocks) : null;
  const zeros = zeroPoints === null ? {} : { zeroPoints: bytePlane(zeroPoints) };
  if (nested === null) {
    const scales = new Float32Array(blocks);
    const norms = await encodeStrips(input, rule, { codes, zeroPoints, scales, records: null }, pool);
    return norms && { planes: { codes: bytePlane(codes), scales: floatPlane(scales), ...zeros }, norms };
  }
  const { codebook, blockSize } = nested;
  const job: NestJob = { kind: 'nest', rule, codebook, blockSize, blocks };
  const layout = nestLayout(job);
  const workspace = await pool.workspace();
  try {
    const records = workspace.open(job);
    const suits = await encodeStrips(input, rule, { codes, zeroPoints, scales: null, records }, pool);
    if (suits === null) return null;
    const { summary, results } = await workspace.run(job, records);
    return {
      planes: {
        codes: bytePlane(codes),
        scales: bytePlane(results.bytes(layout.codes, layout.codeBytes).slice()),
        ...zeros,
        scalesNested: floatPlane(results.floats(layout.nested, layout.groups).slice()),
        scalesOffset: floatPlane(Float32Array.of(summary.offset)),
      },
      norms: summary.norms ?? none,
    };
  } finally {
    workspace.close();
  }
}

/** Where the results of a whole matrix go: scales, or records to be nested. */
interface Planes {
  readonly codes: Uint8Array;
  readonly zeroPoints: Uint8Array | null;
  readonly scales: Float32Array | null;
  readonly records: Uint8Array | null;
}

/** @returns null where the weights do not suit the format */
async function encodeStrips(
  input: MatrixInput,
  rule: CodeRule,
  planes: Planes,
  pool: Pool,
): Promise<SquaredNorms | null> {
  let suits = true;
  const encodeStrip = async (strip: Strip, workspace: Workspace): Promise<SquaredNorms> => {
    if (!suits) return none;
    const { rows, columns, offset } = strip;
    const nested = planes.records !== null;
    const job: StripJob = { kind: 'strip', rule, dtype: input.dtype, rows, columns, nested };
    const data = workspace.open(job);
    // whatever memory the bytes come in
    const bytes = await input.read(offset, data.length, data);
    if (bytes.buffer !== data.buffer) data.set(bytes);
    const { summary, results } = await workspace.run(job, data);
    if (summary.norms === null) suits = false;
    else putStrip(planes, strip, stripLayout(job), results);
    return summary.norms ?? none;
  };
  const strips = stripsOf(rule, input).map((strip) => pool.use((workspace) => encodeStrip(strip, workspace)));
  const norms = await settled(strips, () => {
    suits = false;
  });
  return suits ? addNorms(norms) : null;
}

function putStrip(planes: Planes, { codesAt, blocksAt }: Strip, layout: StripLayout, results: Results): void {
  const { blocks } = layout;
  planes.codes.set(results.bytes(layout.codes, layout.codeBytes), codesAt);
  planes.zeroPoints?.set(results.bytes(layout.zeroPoints, blocks), blocksAt);
  planes.scales?.set(results.floats(layout.scales, blocks), blocksAt);
  planes.records?.set(results.bytes(layout.records, recordBytes * blocks), recordBytes * blocksAt);
}

const none: SquaredNorms = { weights: 0, difference: 0 };

/** All results, or the first error when all have ended, so that none of them is left behind. */
async function settled<T>(work: readonly Promise<T>[], onError: () => void): Promise<T[]> {
  for (const one of work) one.catch(onError);
  await Promise.allSettled(work);
  return Promise.all(work);
}

function floatPlane({ buffer, byteOffset, byteLength }: Float32Array): Plane {
  return { dtype: 'F32', data: new Uint8Array(buffer, byteOffset, byteLength) };
}

function bytePlane(data: Uint8Array): Plane {
  return { dtype: 'U8', data };
}
