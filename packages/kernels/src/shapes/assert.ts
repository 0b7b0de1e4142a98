// What all rules of shapes are made of: one message for each kind of thing that does not fit.
import { MoeqError } from '@moeq/tensors';
import type { GroupColumns } from '../step.js';

export const mismatch = (operation: string, subject: string, expected: string, found: string): MoeqError =>
  new MoeqError({ code: 'mismatch', operation, subject, expected, found });

/** @throws MoeqError unless both sizes are the same */
export function assertSize(operation: string, subject: string, expected: number, found: number): void {
  if (found !== expected) throw mismatch(operation, subject, `${expected}`, `${found}`);
}

/** @throws MoeqError when columns of groups reach beyond those that there are */
export function assertGroupColumns(
  operation: string,
  subject: string,
  { at, stride, width }: GroupColumns,
  groups: number,
  given: number,
): void {
  const end = at + (groups - 1) * stride + width;
  const whole = [at, stride, width, groups].every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!whole || end > given) throw mismatch(operation, subject, `columns below ${given}`, `up to ${end}`);
}

/** @throws MoeqError unless there are so many columns from `first` on */
export function assertColumns(
  operation: string,
  subject: string,
  first: number,
  columns: number,
  found: number,
): void {
  if (!Number.isSafeInteger(first) || first < 0 || first + columns > found)
    throw mismatch(operation, subject, `${columns} from column ${first} on`, `${found}`);
}

/** @throws MoeqError unless columns can be divided into so many groups */
export function assertGroups(operation: string, columns: number, groups: number): void {
  if (!Number.isSafeInteger(groups) || groups < 1 || columns % groups !== 0)
    throw mismatch(operation, 'groups', `a number that divides ${columns} columns`, `${groups}`);
}

/**
 * Columns of `count` values as that many rows.
 * @throws MoeqError unless they fill one row or more
 */
export function inputColumns(count: number, rows: number): number {
  const columns = count / rows;
  if (!Number.isSafeInteger(rows) || !Number.isSafeInteger(columns) || rows < 1 || columns < 1) {
    throw mismatch('take as input', `${count} values`, 'a number of rows that divides them', `${rows}`);
  }
  return columns;
}

/** @throws MoeqError when there is no index, or one is outside 0 to count - 1 */
export function assertIndices(
  operation: string,
  subject: string,
  indices: ArrayLike<number>,
  count: number,
): void {
  if (indices.length === 0) throw mismatch(operation, subject, 'at least one', 'none');
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    if (!(index >= 0 && index < count)) {
      throw mismatch(operation, subject, `indices from 0 to ${count - 1}`, `${index}`);
    }
  }
}
