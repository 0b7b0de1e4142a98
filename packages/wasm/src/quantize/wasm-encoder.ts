// Quantization on worker threads: strips of a matrix are read, encoded and put in their places, a few at a time, whatever the
// size of the matrix; double quantization follows when all its scales are there.
import type { EncodedMatrix, Encoding, MatrixEncoder, MatrixInput, Plane, SquaredNorms } from '@moeq/tensors';
import { readOptions, type WasmOptions } from '../options.js';
import { bitsOf, blocksOf, roomBytes } from './engine.js';
import { owned } from './memory.js';
import { Pool } from './pool.js';
import { type Slot, Slots } from './slots.js';
import { type Strip, stripsOf } from './strips.js';

/** Strips of a thread that are read, waiting or encoded: one to work at and two on their way. */
const STRIPS_PER_THREAD = 3;

/**
 * An encoder with kernels for every rule of `CodeRule`, double-quantized or not. They share no memory.
 * @throws MoeqError for options that are not as described
 */
export function wasmEncoder(options: Pick<WasmOptions, 'threads' | 'simd'> = {}): MatrixEncoder {
  const { threads, simd, shared } = readOptions(options);
  const pool = new Pool(threads, simd);
  const slots = new Slots(STRIPS_PER_THREAD * threads, shared);
  return {
    concurrency: 2,
    encode: (input, encoding) => encode(input, encoding, pool, slots),
    close: () => pool.close(),
  };
}

async function encode(
  input: MatrixInput,
  { rule, nested }: Encoding,
  pool: Pool,
  slots: Slots,
): Promise<EncodedMatrix | null> {
  const [rows, columns] = input.shape;
  const blocks = blocksOf(rule, rows, columns);
  const codes = new Uint8Array(Math.ceil((rows * columns * bitsOf(rule)) / 8));
  const zeroPoints = rule.kind === 'affine4' && !rule.symmetric ? new Uint8Array(blocks) : null;
  const records = nested === null ? null : slots.take(16 * blocks);
  const scales = records === null ? new Float32Array(blocks) : new Float32Array(records, 0, 4 * blocks);
  let suits = true;
  const encodeStrip = async (strip: Strip, slot: Slot): Promise<SquaredNorms> => {
    if (!suits) return none;
    const data = await readStrip(input, strip, slot);
    const { room } = slot;
    const { rows, columns } = strip;
    const answer = await pool.run(
      { kind: 'strip', rule, dtype: input.dtype, rows, columns, data, room, nested: nested !== null },
      owned(data.buffer, room),
    );
    slot.data = answer.data;
    slot.room = answer.room;
    const { result } = answer;
    if (result === null) {
      suits = false;
      return none;
    }
    codes.set(result.codes, strip.codesAt);
    scales.set(result.scales, nested === null ? strip.blocksAt : 4 * strip.blocksAt);
    if (result.zeroPoints !== null) zeroPoints?.set(result.zeroPoints, strip.blocksAt);
    return result.norms ?? none;
  };
  const strips = stripsOf(rule, input).map((strip) =>
    slots.use(strip.length, roomBytes(rule, strip.rows, strip.columns), (slot) => encodeStrip(strip, slot)),
  );
  const norms = await settled(strips, () => {
    suits = false;
  });
  if (!suits) return null;
  const zeros = zeroPoints === null ? {} : { zeroPoints: bytePlane(zeroPoints) };
  if (nested === null) {
    return { planes: { codes: bytePlane(codes), scales: floatPlane(scales), ...zeros }, norms: sumOf(norms) };
  }
  const { codebook, blockSize } = nested;
  const job = { kind: 'nest', rule, codebook, blockSize, records: scales } as const;
  const result = await pool.run(job, owned(scales.buffer));
  slots.give(scales.buffer);
  return {
    planes: {
      codes: bytePlane(codes),
      scales: bytePlane(result.codes),
      ...zeros,
      scalesNested: floatPlane(result.nested),
      scalesOffset: floatPlane(Float32Array.of(result.offset)),
    },
    norms: result.norms,
  };
}

const none: SquaredNorms = { weights: 0, difference: 0 };

/** All results, or the first error when all have ended, so that none of them is left behind. */
async function settled<T>(work: readonly Promise<T>[], onError: () => void): Promise<T[]> {
  for (const one of work) one.catch(onError);
  await Promise.allSettled(work);
  return Promise.all(work);
}

function sumOf(norms: readonly SquaredNorms[]): SquaredNorms {
  const sum = (key: keyof SquaredNorms) => norms.reduce((total, norm) => total + norm[key], 0);
  return { weights: sum('weights'), difference: sum('difference') };
}

/** Into the memory of the slot, whatever memory the bytes come in. */
async function readStrip(input: MatrixInput, { offset, length }: Strip, slot: Slot): Promise<Uint8Array> {
  const into = new Uint8Array(slot.data, 0, length);
  const bytes = await input.read(offset, length, into);
  if (bytes.buffer !== slot.data) into.set(bytes);
  return into;
}

function floatPlane({ buffer, byteOffset, byteLength }: Float32Array): Plane {
  return { dtype: 'F32', data: new Uint8Array(buffer, byteOffset, byteLength) };
}

function bytePlane(data: Uint8Array): Plane {
  return { dtype: 'U8', data };
}
