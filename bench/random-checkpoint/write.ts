// Writes a checkpoint of random weights of a shape, piece by piece: any size in a few megabytes of memory.
import { elementCount } from '@moeq/tensors';
import { createCheckpointWriter } from '@moeq/tensors/node';
import { fillRandom, normalTable, seedOf } from './normal.ts';
import { configOf, type MoeShape, type ShapedTensor, tensorsOf } from './shape.ts';

/** Deviation of the weights, as transformers initializes them. */
const deviation = 0.02;

const pieceElements = 2 ** 22;

/**
 * Writes config.json and BF16 weights, the same for the same shape and seed.
 * @throws MoeqError when `out` is in the way or the system refuses
 * @returns bytes of the weights
 */
export function writeRandomCheckpoint(out: string, shape: MoeShape, seed: number): Promise<number> {
  return writeRandomTensors(out, [...tensorsOf(shape)], configOf(shape), seed);
}

/** The same of any tensors and configuration. */
export async function writeRandomTensors(
  out: string,
  tensors: readonly ShapedTensor[],
  config: string,
  seed: number,
): Promise<number> {
  const tables = { weight: normalTable(0, deviation), norm: normalTable(1, deviation) };
  await using writer = await createCheckpointWriter({
    out,
    tensors: tensors.map(({ name, shape }) => ({ name, shape, dtype: 'BF16' })),
  });
  const piece = new Uint16Array(pieceElements);
  let bytes = 0;
  for (const { name, shape, kind } of tensors) {
    let state = seedOf(name, seed);
    const count = elementCount(shape);
    for (let done = 0; done < count; done += pieceElements) {
      const part = piece.subarray(0, Math.min(pieceElements, count - done));
      state = fillRandom(part, tables[kind], state);
      await writer.write(name, new Uint8Array(part.buffer, 0, part.byteLength));
      bytes += part.byteLength;
    }
  }
  await writer.writeFile('config.json', config);
  await writer.commit();
  return bytes;
}
