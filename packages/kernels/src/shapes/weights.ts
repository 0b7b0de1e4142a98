// The rules that matrices, MLPs and experts obey.
//
// Shapes: D hidden, N rows, K columns, F intermediate.
import { assertQuantizedTensor, byteLength, isQuantized, MoeqError, quote } from '@moeq/tensors';
import type { MatrixData, MlpData } from '../resources.js';
import { floatMatrixDTypes } from '../resources.js';
import { assertSize, mismatch } from './assert.js';

/** @throws MoeqError unless a layer can have so many experts */
export function assertExpertCount(experts: number): void {
  if (!Number.isSafeInteger(experts) || experts < 1)
    throw new MoeqError({
      operation: 'load',
      subject: 'experts',
      expected: 'at least 1',
      found: `${experts}`,
    });
}

/**
 * [N, K] of matrices stacked one below the other. Checks dtypes, byte lengths and layouts too.
 * @param withoutLayout whether a quantized matrix may come without a layout; nothing but its shape can be checked then
 * @throws MoeqError when there is none, one is no matrix that a backend can read, or their columns differ
 */
export function weightShape(
  parts: readonly MatrixData[],
  subject = 'weight',
  withoutLayout = false,
): { rows: number; columns: number } {
  const first = parts[0];
  if (first === undefined) {
    throw new MoeqError({ operation: 'load', subject, expected: 'at least one matrix', found: 'none' });
  }
  const [, columns] = matrixShape(first, subject, withoutLayout);
  let rows = 0;
  for (const part of parts) {
    const [partRows, partColumns] = matrixShape(part, subject, withoutLayout);
    assertSize('stack', `${subject}: columns`, columns, partColumns);
    rows += partRows;
  }
  return { rows, columns };
}

function matrixShape(
  data: MatrixData,
  subject: string,
  withoutLayout: boolean,
): readonly [rows: number, columns: number] {
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({ operation: 'load', subject, expected, found });
  };
  const [rows = 0, columns = 0, ...rest] = data.shape;
  const isMatrix =
    rest.length === 0 && [rows, columns].every((size) => Number.isSafeInteger(size) && size > 0);
  if (!isMatrix) fail('a matrix [rows, columns]', quote(data.shape));
  if (isQuantized(data)) {
    if (data.layout === null) {
      if (withoutLayout) return [rows, columns];
      fail('a layout (its quantizer has to dequantize it first)', `none in format ${quote(data.format)}`);
    }
    assertQuantizedTensor(data, subject);
  } else {
    if (!floatMatrixDTypes.some((dtype) => dtype === data.dtype))
      fail(floatMatrixDTypes.join(', '), data.dtype);
    assertSize('load', `${subject}: bytes`, byteLength(data.dtype, data.shape), data.data.byteLength);
  }
  return [rows, columns];
}

/**
 * N, the rows of each head.
 * @throws MoeqError unless all heads have as many
 */
export function rowsOfHead(rows: number, heads: number): number {
  if (!Number.isSafeInteger(heads) || heads < 1 || rows % heads !== 0)
    throw mismatch('load', 'head weights: heads', `a number that divides ${rows} rows`, `${heads}`);
  return rows / heads;
}

/** What experts of one layer have in common. */
export interface MlpShape {
  /** D */
  readonly hidden: number;
  /** F */
  readonly intermediate: number;
  readonly gated: boolean;
  /** Lengths of the biases; 0: none. */
  readonly gateUpBias: number;
  readonly downBias: number;
}

/**
 * [2F, D] or [F, D], and [D, F], of an expert or MLP.
 * @throws MoeqError when gate, up, down and biases do not fit each other
 */
export function mlpShape(data: MlpData, subject = 'mlp', withoutLayout = false): MlpShape {
  const gateUp = weightShape(data.gateUp, `${subject} gateUp`, withoutLayout);
  const down = weightShape([data.down], `${subject} down`, withoutLayout);
  const gated = gateUp.rows !== down.columns;
  if (gated && gateUp.rows !== 2 * down.columns) {
    const expected = `${2 * down.columns}, or ${down.columns} without a gate`;
    throw mismatch('load', `${subject}: rows of gate and up`, expected, `${gateUp.rows}`);
  }
  assertSize('load', `${subject}: columns of gate and up`, down.rows, gateUp.columns);
  const { gateUpBias, downBias } = data;
  if (gateUpBias !== undefined)
    assertSize('load', `${subject}: bias of gate and up`, gateUp.rows, gateUpBias.length);
  if (downBias !== undefined) assertSize('load', `${subject}: bias of down`, down.rows, downBias.length);
  return {
    hidden: down.rows,
    intermediate: down.columns,
    gated,
    gateUpBias: gateUpBias?.length ?? 0,
    downBias: downBias?.length ?? 0,
  };
}
