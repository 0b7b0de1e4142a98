// What quantizing did to each matrix: ||W - Q|| / ||W|| in the Frobenius norm, beside the bits that a weight takes. Both
// models are read by the decoder's table of tensors, so that fused and per-expert checkpoints, and weights quantized while loading,
// compare alike; one matrix, or one expert, of each is in memory at a time.
//
// Shapes: N rows, K columns.
import type { MatrixData } from '@moeq/kernels';
import type { Projection, Role } from '@moeq/quantizers';
import {
  type DecoderConfig,
  decoderPlaces,
  decoderTensors,
  holdsMatrix,
  type MlpName,
  type ModelSource,
  mlpForms,
  readMlp,
  type Slot,
  tensorShape,
} from '@moeq/runtime';
import {
  addNorms,
  bitsPerWeight,
  bytesPerElement,
  elementCount,
  isQuantized,
  MoeqError,
  relativeError,
  type SquaredNorms,
} from '@moeq/tensors';
import { assertComparable } from './comparable.js';
import { matrixNorms } from './matrix-norms.js';

/** One matrix of the model, or one expert's. Norms and biases are vectors and never quantized. */
export interface WeightError {
  readonly role: Role;
  readonly layer: number | null;
  readonly projection: Projection | null;
  readonly expert: number | null;
  /** A dtype or a format, as the runtime gets it. */
  readonly format: string;
  readonly parameters: number;
  /** All planes counted. */
  readonly bitsPerWeight: number;
  readonly norms: SquaredNorms;
  /** Of the norms; 0 where nothing was lost, infinite where all-zero weights became something else. */
  readonly relativeError: number;
}

/** Error and mean bits of several matrices together. */
export function summarizeErrors(
  errors: readonly WeightError[],
): Pick<WeightError, 'parameters' | 'bitsPerWeight' | 'relativeError'> {
  const sum = (of: (error: WeightError) => number) => errors.reduce((total, error) => total + of(error), 0);
  const parameters = sum((error) => error.parameters);
  const norms = addNorms(errors.map(({ norms }) => norms));
  const bits = sum((error) => error.parameters * error.bitsPerWeight);
  return {
    parameters,
    bitsPerWeight: parameters === 0 ? 0 : bits / parameters,
    relativeError: relativeError(norms),
  };
}

/**
 * Compares every matrix of a model with the baseline's, in the order of the layers.
 * @throws MoeqError for models that differ in vocabulary, layers or experts; for NaN or infinity in the weights of either;
 *   from reading
 */
export async function* weightErrors(
  model: ModelSource,
  baseline: ModelSource,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<WeightError> {
  assertComparable([baseline, model]);
  for (const { role, layer = null, projection = null, expert = null, read } of groups(model.config)) {
    signal?.throwIfAborted();
    const [ofModel, ofBaseline] = [await read(model), await read(baseline)];
    for (const { projection: own, parts, others } of pairs(ofModel, ofBaseline, projection)) {
      const parameters = parts.reduce((sum, { shape }) => sum + elementCount(shape), 0);
      const bits = parts.reduce((sum, part) => sum + bitsOf(part) * elementCount(part.shape), 0);
      const norms = matrixNorms(others, parts);
      assertMeasured(norms, model, baseline, { role, layer, projection: own, expert });
      yield {
        role,
        layer,
        projection: own,
        expert,
        format: [...new Set(parts.map((part) => (isQuantized(part) ? part.format : part.dtype)))].join(' '),
        parameters,
        bitsPerWeight: parameters === 0 ? 0 : bits / parameters,
        norms,
        relativeError: relativeError(norms),
      };
    }
  }
}

/** @throws MoeqError where a weight of either model is NaN or infinite: no distance can be measured then */
function assertMeasured(
  { weights, difference }: SquaredNorms,
  model: ModelSource,
  baseline: ModelSource,
  { role, layer, projection, expert }: Pick<WeightError, 'role' | 'layer' | 'projection' | 'expert'>,
): void {
  if (Number.isFinite(weights) && Number.isFinite(difference)) return;
  const place = [
    ...(projection === null ? [] : [projection]),
    ...(expert === null ? [] : [`expert ${expert}`]),
    ...(layer === null ? [] : [`layer ${layer}`]),
  ];
  throw new MoeqError({
    code: 'notFinite',
    operation: 'compare the weights',
    subject: Number.isFinite(weights) ? model.name : baseline.name,
    expected: 'finite weights',
    found: `NaN or infinity in ${role}${place.length === 0 ? '' : ` (${place.join(', ')})`}`,
  });
}

/** Matrices that are read together: one, or the three of an MLP, gate and up fused or not. */
interface Group {
  readonly role: Role;
  readonly layer?: number;
  readonly projection?: Projection;
  readonly expert?: number;
  readonly read: (source: ModelSource) => Promise<readonly (readonly MatrixData[])[]>;
}

const mlpNames = Object.keys(mlpForms) as readonly MlpName[];
/** The matrices of an MLP are read together, where its output side stands in the table. */
const mlpByDown = new Map<Slot, MlpName>(mlpNames.map((name) => [mlpForms[name].down, name]));
const mlpInputs = new Set<Slot>(
  mlpNames.flatMap((name) => mlpForms[name].gateUp.flatMap(({ matrices }) => matrices)),
);

function* groups(config: DecoderConfig): Generator<Group> {
  for (const { slot, ...at } of decoderPlaces(config)) {
    const { role, projection } = decoderTensors[slot];
    const mlp = mlpByDown.get(slot);
    const axes = tensorShape({ slot, ...at }, config)?.length ?? 0;
    const isVector = !holdsMatrix({ slot, ...at }, axes);
    if (isVector || mlpInputs.has(slot) || (slot === 'head' && config.tiedHead)) continue;
    if (mlp === undefined) {
      const read = async ({ weights }: ModelSource) => [[await weights.read(slot, at)]];
      yield { role, ...at, ...(projection !== undefined && { projection }), read };
    } else {
      const read = async (source: ModelSource) => {
        const { gateUp, down } = await readMlp(source, mlp, at);
        return [gateUp, [down]];
      };
      yield { role, ...at, read };
    }
  }
}

/** The matrices of two models against each other: gate and up apart where both hold them apart. */
function* pairs(
  model: readonly (readonly MatrixData[])[],
  baseline: readonly (readonly MatrixData[])[],
  projection: Projection | null,
): Generator<{ projection: Projection | null; parts: readonly MatrixData[]; others: readonly MatrixData[] }> {
  const [first = [], down] = model;
  const [others = [], otherDown] = baseline;
  if (down === undefined || otherDown === undefined) {
    yield { projection, parts: first, others };
    return;
  }
  const [gate, up] = first;
  const [otherGate, otherUp] = others;
  if (gate === undefined || up === undefined || otherGate === undefined || otherUp === undefined) {
    yield { projection: 'gateUpProj', parts: first, others };
  } else {
    yield { projection: 'gateProj', parts: [gate], others: [otherGate] };
    yield { projection: 'upProj', parts: [up], others: [otherUp] };
  }
  yield { projection: 'downProj', parts: down, others: otherDown };
}

function bitsOf(matrix: MatrixData): number {
  return isQuantized(matrix) ? bitsPerWeight(matrix) : 8 * bytesPerElement(matrix.dtype);
}
