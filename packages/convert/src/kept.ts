// A tensor that is kept, piece by piece: the bytes of the files, or of a quantized weight in a container, which safetensors
// do not have, its planes.
import type { CheckpointTensor } from '@moeq/loader';
import { toMoeq } from '@moeq/quantizers';
import { assertFinite, byteLength, isDType, isQuantized } from '@moeq/tensors';
import type { KeptForm } from './form.js';
import type { Job } from './in-order.js';
import { floatDTypeOf } from './matrices.js';

/** Bytes of a kept tensor that are in memory at a time: enough for the disk to be fast, few enough to be nothing. */
const pieceBytes = 16 * 2 ** 20;

/** Some bytes of a tensor of the output. */
export interface KeptPiece {
  readonly part: string;
  readonly data: Uint8Array;
}

/** The bytes of a tensor that is kept, in pieces, part by part. */
export function* pieceJobs(
  tensor: CheckpointTensor,
  kept: KeptForm,
  signal: AbortSignal | undefined,
): Generator<Job<KeptPiece[]>> {
  if (isDType(tensor.stored)) yield* plainPieces(tensor, signal);
  else if (kept.kind === 'files') yield* partPieces(tensor, signal);
  else yield { bytes: tensor.bytes, run: () => planePieces(tensor, signal) };
}

/**
 * Of a plain tensor. A job throws a MoeqError at a weight that is NaN or infinite; what stands beside the decoder may hold
 * either, as masks do.
 */
function* plainPieces(
  tensor: CheckpointTensor,
  signal: AbortSignal | undefined,
): Generator<Job<KeptPiece[]>> {
  const dtype = tensor.facts.role === 'other' ? null : floatDTypeOf(tensor);
  const { inFiles = tensor } = tensor;
  for (let offset = 0; offset < tensor.bytes; offset += pieceBytes) {
    const bytes = Math.min(pieceBytes, tensor.bytes - offset);
    const run = async () => {
      const piece = await inFiles.readBytes(offset, bytes, signal);
      if (dtype !== null) {
        const first = offset / byteLength(dtype, [1]);
        const { name } = tensor.facts;
        const { shape = tensor.facts.shape } = tensor.inFiles ?? {};
        assertFinite(piece, { operation: 'quantize', subject: name, shape, first }, dtype);
      }
      return [{ part: tensor.facts.name, data: piece }];
    };
    yield { bytes, run };
  }
}

/** Of a quantized tensor as it lies in the files. */
function* partPieces(
  { parts = [] }: CheckpointTensor,
  signal: AbortSignal | undefined,
): Generator<Job<KeptPiece[]>> {
  for (const { name, bytes: whole, readBytes } of parts) {
    for (let offset = 0; offset < whole; offset += pieceBytes) {
      const bytes = Math.min(pieceBytes, whole - offset);
      yield { bytes, run: async () => [{ part: name, data: await readBytes(offset, bytes, signal) }] };
    }
  }
}

/** Of a quantized tensor as moeq's form has it. */
async function planePieces(tensor: CheckpointTensor, signal: AbortSignal | undefined): Promise<KeptPiece[]> {
  const whole = await tensor.read(signal);
  if (!isQuantized(whole)) throw new Error('a tensor in a format is quantized');
  const stored = toMoeq(tensor.facts.name, whole);
  return Object.entries(stored).map(([part, { data }]) => ({ part, data }));
}
