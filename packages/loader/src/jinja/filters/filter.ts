// What filters and tests are: functions of a value and arguments, with what they need of the rendering.
import type { Given } from '../arguments.js';
import type { Budget } from '../budget.js';
import type { Keywords, Value } from '../python/values.js';

export interface Rendering {
  readonly budget: Budget;
  filter(name: string, value: Value, args: readonly Value[], keywords: Keywords): Value;
  test(name: string, value: Value, args: readonly Value[], keywords: Keywords): boolean;
}

/** Names of the arguments, and what the filter makes of the value. */
export type Filter = readonly [
  names: readonly string[],
  apply: (value: Value, given: Given, rendering: Rendering) => Value,
];

/** A filter that takes any arguments. */
export type OpenFilter = (
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  rendering: Rendering,
) => Value;
