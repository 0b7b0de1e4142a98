// Random scales and offsets: planes as a layout asks for them, and the numbers that they stand for.
import type { BlockValues, Plane } from '@moeq/tensors';
import type { Random } from './random.js';
import { storeNumbers } from './stored-numbers.js';

export interface RandomBlockValues {
  /** Float64 [count] */
  readonly numbers: Float64Array;
  readonly planes: Record<string, Plane>;
}

/**
 * Numbers around `typical` in magnitude, one a block of a matrix.
 * @param name `scales` or `offsets`, which begins the names of the planes
 * @param mixed let a sixteenth be zero and an eighth have the other sign, as far as the dtype can
 */
export function randomBlockValues(
  name: 'scales' | 'offsets',
  values: BlockValues,
  count: number,
  typical: number,
  mixed: boolean,
  random: Random,
): RandomBlockValues {
  if (values.kind === 'plain') {
    const wanted = Array.from({ length: count }, () => {
      const size = typical * random.between(0.5, 1.5);
      const chance = mixed && values.dtype !== 'F8_E8M0' ? random.next() : 1;
      return (chance < 1 / 16 ? 0 : chance < 3 / 16 ? -size : size) / values.multiplier;
    });
    const { numbers, data } = storeNumbers(wanted, values.dtype);
    return {
      numbers: numbers.map((number) => number * values.multiplier),
      planes: { [name]: { dtype: values.dtype, data } },
    };
  }

  const codes = Uint8Array.from({ length: count }, () => random.integer(256));
  const reach = values.codebook.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const size = (values.hasOffset ? 0.5 * Math.abs(typical) : typical) / reach;
  const nested = storeNumbers(
    Array.from({ length: Math.ceil(count / values.blockSize) }, () => size * random.between(0.5, 1)),
    values.dtype,
  );
  const offset = storeNumbers([values.hasOffset ? typical : 0], 'F32');
  const numbers = Float64Array.from(codes, (code, i) => {
    const factor = nested.numbers[Math.floor(i / values.blockSize)] as number;
    return (values.codebook[code] as number) * factor + (offset.numbers[0] as number);
  });
  return {
    numbers,
    planes: {
      [name]: { dtype: 'U8', data: codes },
      [`${name}Nested`]: { dtype: values.dtype, data: nested.data },
      ...(values.hasOffset && { [`${name}Offset`]: { dtype: 'F32' as const, data: offset.data } }),
    },
  };
}
