// Norms and vectors of a source in float64, for the naive decoder.
import type { NormConfig, NormSlot } from '../decoder/config.js';
import type { Slot } from '../decoder/decoder-tensors.js';
import type { ModelSource } from '../model-source.js';
import { add, type Matrix, type Row, rmsNorm, sum, toMatrix } from './rows.js';

/** An RMS norm or a layer norm of each row. */
export async function norm(
  source: ModelSource,
  { kind, epsilon, bias, ...config }: NormConfig,
  slot: NormSlot | 'finalNorm',
  rows: Matrix,
  layer?: number,
): Promise<Matrix> {
  const ones = Array.from({ length: source.config.hiddenSize }, () => 1);
  const weight = config.weight === 'none' ? ones : await normWeight(source, slot, config, layer);
  const added = bias ? await readVector(source, `${slot}Bias`, layer) : null;
  return rows.map((row) => {
    const mean = kind === 'layer' ? sum(row) / row.length : 0;
    const normed = rmsNorm(
      row.map((value) => value - mean),
      weight,
      epsilon,
    );
    return added === null ? normed : add(normed, added);
  });
}

/** (1 + w) as Qwen3-Next has it. */
export async function normWeight(
  source: ModelSource,
  slot: Slot,
  { weight }: Pick<NormConfig, 'weight'>,
  layer?: number,
): Promise<Row> {
  const stored = await readVector(source, slot, layer);
  return weight === 'lessOne' ? stored.map((value) => 1 + value) : stored;
}

export async function readVector({ weights }: ModelSource, slot: Slot, layer?: number): Promise<Row> {
  return toMatrix(await weights.read(slot, layer === undefined ? {} : { layer })).flat();
}
