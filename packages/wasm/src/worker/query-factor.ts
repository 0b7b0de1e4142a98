// Multiplies a token's queries by what grows with its position.
import { queryFactorAt } from '@moeq/kernels';
import type { View } from '../abi/decode.js';
import type { Instructions } from '../abi/instructions.js';

/** @param count numbers at the address */
export function scaleQueries(
  floats: Float32Array,
  address: number,
  count: number,
  factor: View<Instructions['attention']>['queryFactor'],
  position: number,
): void {
  if (factor.every === 0) return;
  const by = queryFactorAt(factor, position);
  for (let i = address / 4; i < address / 4 + count; i++) floats[i] = (floats[i] as number) * by;
}
