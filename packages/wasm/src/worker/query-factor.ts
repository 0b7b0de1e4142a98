// What a token's queries are multiplied by: `queryFactorAt` of @moeq/kernels, of operands.
import type { View } from '../abi/decode.js';
import type { Instructions } from '../abi/instructions.js';

/** 1 where there is none. */
export function queryFactorAt(
  { slope, every, offset }: View<Instructions['attention']>['queryFactor'],
  position: number,
): number {
  return every === 0 ? 1 : 1 + slope * Math.log1p(Math.floor((position + offset) / every));
}

/** Multiplies `count` numbers at an address. */
export function scaleAt(floats: Float32Array, address: number, count: number, factor: number): void {
  if (factor === 1) return;
  for (let i = address / 4; i < address / 4 + count; i++) floats[i] = (floats[i] as number) * factor;
}
