// The shapes of matrices and MLPs, as @moeq/kernels checks them, and those of matrices in formats of one's own, which it
// cannot know.
import type { MatrixData, MlpData } from '@moeq/kernels';
import { assertSize, weightShape } from '@moeq/kernels';
import { isQuantized, MoeqError, quote } from '@moeq/tensors';

interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

/** @throws MoeqError when there is no matrix, one is wrong, or their columns differ */
export function stackShape(parts: readonly MatrixData[], subject: string): MatrixShape {
  const [first, ...others] = parts.map((part) => partShape(part, subject));
  if (first === undefined) return weightShape([], subject);
  for (const { columns } of others) assertSize('stack', `${subject}: columns`, first.columns, columns);
  return { rows: [first, ...others].reduce((sum, { rows }) => sum + rows, 0), columns: first.columns };
}

function partShape(part: MatrixData, subject: string): MatrixShape {
  if (!isQuantized(part) || part.layout !== null) return weightShape([part], subject);
  const [rows = 0, columns = 0, ...rest] = part.shape;
  const counts = [rows, columns].every((size) => Number.isSafeInteger(size) && size > 0);
  if (rest.length > 0 || !counts) {
    const expected = 'a matrix [rows, columns]';
    throw new MoeqError({ operation: 'load', subject, expected, found: quote(part.shape) });
  }
  return { rows, columns };
}

/**
 * [2F, D] and [D, F].
 * @throws MoeqError when gate, up and down do not fit each other
 */
export function gatedShape(data: MlpData, subject: string): { hidden: number; intermediate: number } {
  const gateUp = stackShape(data.gateUp, `${subject} gateUp`);
  const down = stackShape([data.down], `${subject} down`);
  assertSize('load', `${subject}: rows of gate and up`, 2 * down.columns, gateUp.rows);
  assertSize('load', `${subject}: columns of gate and up`, down.rows, gateUp.columns);
  return { hidden: down.rows, intermediate: down.columns };
}
