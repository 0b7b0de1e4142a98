// What a quantizer says about its format, and that what it makes agrees: planes, layout, storage.
import {
  assertQuantizedTensor,
  decodeTensor,
  elementCount,
  planeSpecs,
  type QuantizedTensor,
  sliceMatrix,
} from '@moeq/tensors';
import { moeqConfig, parseMoeqConfig } from '../moeq/config.js';
import { fromMoeq, moeqEntry, moeqParts, planMoeq, toMoeq } from '../moeq/tensors.js';
import type { Quantizer } from '../quantizer.js';
import { assertQuantizer } from '../quantizer-object.js';
import { dequantize } from '../quantizers.js';
import { stackMatrices } from '../stack.js';
import {
  type Case,
  claim,
  normalWeights,
  planesText,
  quantize,
  refuses,
  type Shape,
  sameNumbers,
} from './bench.js';

/** Whole and partial blocks, odd counts, one row, one column, one element, none. */
const shapes: readonly Shape[] = [
  [8, 256],
  [3, 100],
  [7, 129],
  [5, 33],
  [1, 64],
  [64, 1],
  [1, 1],
  [0, 64],
  [4, 0],
];

const describesItself: Case = {
  name: 'describes itself',
  run({ make }) {
    const quantizer: unknown = make();
    assertQuantizer(quantizer, 'make()');
    const again = make();
    claim(quantizer.name === again.name, 'two quantizers of one factory have different names');
    const options = JSON.stringify(quantizer.options);
    claim(JSON.stringify(JSON.parse(options)) === options, 'options are no JSON');
    claim(JSON.stringify(again.options) === options, 'two quantizers of one factory have different options');
  },
};

const planesFit: Case = {
  name: 'makes the planes that its layout asks for',
  run({ make, random }) {
    const quantizer = make();
    for (const shape of shapes) {
      const tensor = quantize(quantizer, normalWeights(random, elementCount(shape)), shape);
      const layout = quantizer.layout(shape);
      claim(tensor.format === quantizer.name, `format ${tensor.format} of quantizer ${quantizer.name}`);
      claim(tensor.shape.join() === shape.join(), `shape [${tensor.shape}] of weights [${shape}]`);
      claim(tensor.dtype === 'BF16', `dtype ${tensor.dtype} of BF16 weights`);
      claim(
        JSON.stringify(tensor.layout) === JSON.stringify(layout),
        `the layout of a tensor [${shape}] is not what layout() says`,
      );
      assertQuantizedTensor(tensor, `tensor [${shape}]`);
      const names = layout === null ? [] : planeSpecs(layout, shape).map(({ name }) => name);
      claim(
        layout === null || names.length === Object.keys(tensor.planes).length,
        'planes that no layout names',
      );
    }
  },
};

const planesByShape: Case = {
  name: 'makes planes whose size depends on the shape alone',
  run({ make, random }) {
    const quantizer = make();
    const sizes = ({ planes }: QuantizedTensor) =>
      JSON.stringify(Object.entries(planes).map(([name, { dtype, data }]) => [name, dtype, data.byteLength]));
    for (const shape of shapes) {
      const normal = quantize(quantizer, normalWeights(random, elementCount(shape)), shape);
      const zeros = quantize(quantizer, new Float32Array(elementCount(shape)), shape);
      claim(
        sizes(normal) === sizes(zeros),
        `planes ${sizes(normal)} and, of zeros, ${sizes(zeros)} for [${shape}]`,
      );
    }
  },
};

const decodes: Case = {
  name: 'dequantizes as its layout says',
  run({ make, random }) {
    const quantizer = make();
    for (const shape of shapes) {
      const tensor = quantize(quantizer, normalWeights(random, elementCount(shape)), shape);
      const values = quantizer.dequantize(tensor);
      claim(
        tensor.layout === null || sameNumbers(values, decodeTensor(tensor)),
        `dequantize() and decodeTensor() differ for [${shape}]`,
      );
      const out = new Float32Array(values.length).fill(NaN);
      claim(
        quantizer.dequantize(tensor, out) === out,
        'dequantize() does not return the array that it was given',
      );
      claim(sameNumbers(values, out), 'dequantize() does not fill the array that it was given');
    }
  },
};

const refusesOtherCounts: Case = {
  name: 'refuses weights that are not rows x columns',
  run({ make }) {
    const quantizer = make();
    const tries = [
      () => quantize(quantizer, new Float32Array(63), [1, 64]),
      () => quantize(quantizer, new Float32Array(65), [1, 64]),
    ];
    claim(tries.every(refuses), 'no error for 63 or 65 weights [1, 64]');
  },
};

/** Through the JSON of config.json and the tensors of a file, and back. */
function store(tensor: QuantizedTensor, quantizer: Quantizer): QuantizedTensor {
  const config = JSON.stringify(moeqConfig([['w', moeqEntry(tensor)]], [quantizer]));
  const entry = parseMoeqConfig(JSON.parse(config), 'config.json').get('w');
  claim(entry !== undefined, 'config.json lost the tensor');
  const parts = toMoeq('w', tensor);
  claim(
    Object.keys(parts).sort().join() === moeqParts('w', entry).sort().join(),
    'parts differ from those listed',
  );
  return fromMoeq('w', entry, parts, [quantizer]);
}

const stores: Case = {
  name: 'is stored and read back',
  run({ make, random }) {
    const quantizer = make();
    for (const shape of shapes) {
      const tensor = quantize(quantizer, normalWeights(random, elementCount(shape)), shape);
      const read = store(tensor, quantizer);
      claim(planesText(read) === planesText(tensor), `planes of [${shape}] changed in the file`);
      claim(
        sameNumbers(dequantize(read, [quantizer]), quantizer.dequantize(tensor)),
        'values changed in the file',
      );
      const { parts } = planMoeq('w', quantizer, shape, 'BF16');
      const text = (
        list: readonly {
          readonly name: string;
          readonly dtype?: string;
          readonly shape?: readonly number[];
        }[],
      ) => JSON.stringify(list.map(({ name, dtype, shape }) => [name, dtype, shape]).sort());
      const stored = Object.entries(toMoeq('w', tensor)).map(([name, { dtype, shape }]) => ({
        name,
        dtype,
        shape,
      }));
      claim(text(parts) === text(stored), `planned ${text(parts)}, stored ${text(stored)}`);
    }
  },
};

const fuses: Case = {
  name: 'is stored as fused experts',
  run({ make, random }) {
    const quantizer = make();
    const shape = [6, 96] as const;
    const matrices = [0, 1, 2].map(() => quantize(quantizer, normalWeights(random, 6 * 96), shape));
    const fused = store(stackMatrices(matrices, 'w'), quantizer);
    claim(fused.shape.join() === '3,6,96', `shape [${fused.shape}] of three matrices [6, 96]`);
    matrices.forEach((matrix, index) => {
      const part = dequantize(sliceMatrix(fused, index), [quantizer]);
      claim(sameNumbers(part, quantizer.dequantize(matrix)), `matrix ${index} changed in the fused tensor`);
    });
  },
};

export const contractCases = [
  describesItself,
  planesFit,
  planesByShape,
  decodes,
  refusesOtherCounts,
  stores,
  fuses,
];
