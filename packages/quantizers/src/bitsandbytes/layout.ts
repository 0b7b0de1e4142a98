// The layout of a stored weight from the sizes of its parts: what is known of it before its data is read.
import { type Layout, type PlaneName, planeSpecs } from '@moeq/tensors';
import { type BlockSize, blockSizes } from '../codebook-quantizer.js';
import { doubleQuant } from '../double-quant.js';
import { fp4 } from '../fp4.js';
import { int8 } from '../int8.js';
import { nf4 } from '../nf4.js';

const fourBit: Readonly<Record<string, (options: { blockSize: BlockSize }) => ReturnType<typeof nf4>>> = {
  nf4,
  fp4,
};

/** The nested block size of bitsandbytes first: few scales fit several. */
const nestedSizes: readonly BlockSize[] = [256, ...blockSizes];

/**
 * @param name of the weight
 * @param format `nf4`, `fp4`, both with `-dq`, or `int8`
 * @param shape [N, K]
 * @param parts bytes of each part by its name
 * @returns the layout, but for the tables that the file itself holds; undefined where no block sizes fit
 */
export function bitsandbytesLayout(
  name: string,
  format: string,
  shape: readonly [rows: number, columns: number],
  parts: ReadonlyMap<string, number>,
): Layout | undefined {
  if (format === 'int8') return int8().layout(shape) ?? undefined;
  const isNested = format.endsWith('-dq');
  const make = fourBit[format.replace(/-dq$/, '')];
  if (make === undefined) return undefined;
  for (const blockSize of blockSizes) {
    const plain = make({ blockSize });
    for (const quantizer of isNested
      ? nestedSizes.map((size) => doubleQuant(plain, { blockSize: size }))
      : [plain]) {
      const layout = quantizer.layout(shape);
      if (layout !== null && fits(layout, shape, name, parts)) return layout;
    }
  }
  return undefined;
}

const suffixes: Readonly<Partial<Record<PlaneName, string>>> = {
  scales: '.absmax',
  scalesNested: '.nested_absmax',
};

function fits(
  layout: Layout,
  shape: readonly [number, number],
  name: string,
  parts: ReadonlyMap<string, number>,
): boolean {
  return planeSpecs(layout, shape).every(
    (plane) => suffixes[plane.name] === undefined || parts.get(name + suffixes[plane.name]) === plane.bytes,
  );
}
