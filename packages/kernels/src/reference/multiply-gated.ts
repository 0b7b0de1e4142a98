// What stands between the two sides of an MLP, of gates and ups that are there already.
//
// Shapes: T tokens, F intermediate.
import type { Activation } from '../activation.js';
import { innerFunction } from './activation.js';
import type { Result } from './types.js';

/**
 * @param gates [T, F]
 * @param ups F columns from `first` on
 * @returns Float32 [T, F]
 */
export function multiplyGated(
  { columns, values }: Result,
  ups: Result,
  first: number,
  activation: Activation,
): Float32Array {
  const innerOf = innerFunction(activation);
  return values.map((gate, i) => {
    const [token, column] = [Math.floor(i / columns), i % columns];
    return innerOf(gate, ups.values[token * ups.columns + first + column] as number);
  });
}
