// What becomes of the weights: errors, edge cases, and that results depend on nothing else.
import {
  type Case,
  claim,
  claimError,
  normalWeights,
  planesText,
  quantize,
  relativeError,
  roundTrip,
  type Shape,
  sameNumbers,
} from './bench.js';

const keepsBudget: Case = {
  name: 'keeps its error budget on normal weights',
  run({ make, random, tolerance }) {
    const weights = normalWeights(random, 64 * 512);
    claimError('[64, 512]', relativeError(weights, roundTrip(make(), weights, [64, 512])), tolerance);
  },
};

const partialBlocks: Case = {
  name: 'keeps its error budget where blocks are partial',
  run({ make, random, tolerance }) {
    const columns = 97;
    const weights = normalWeights(random, 256 * columns);
    const values = roundTrip(make(), weights, [256, columns]);
    const column = (from: Float32Array) => from.filter((_, index) => index % columns === columns - 1);
    claimError('[256, 97]', relativeError(weights, values), tolerance);
    claimError('its last column', relativeError(column(weights), column(values)), 1.5 * tolerance);
  },
};

/** Largest error of any weight, over the largest weight of its matrix. */
function worst(weights: Float32Array, values: Float32Array): number {
  let largest = 0;
  let error = 0;
  weights.forEach((weight, index) => {
    largest = Math.max(largest, Math.abs(weight));
    error = Math.max(error, Math.abs(weight - (values[index] as number)));
  });
  return largest === 0 ? error : error / largest;
}

const magnitudes: Case = {
  name: 'takes weights of any magnitude',
  run({ make, random, tolerance }) {
    for (const deviation of [1e-4, 1e-2, 1, 1e3]) {
      const weights = normalWeights(random, 16 * 128, deviation);
      const error = relativeError(weights, roundTrip(make(), weights, [16, 128]));
      claimError(`deviation ${deviation}`, error, 1.5 * tolerance);
    }
  },
};

const smallShapes: Case = {
  name: 'takes one row, one column and one element',
  run({ make, random, tolerance }) {
    const shapes: readonly Shape[] = [
      [1, 96],
      [96, 1],
      [1, 1],
    ];
    for (const shape of shapes) {
      const weights = normalWeights(random, shape[0] * shape[1]);
      claimError(`[${shape}]`, worst(weights, roundTrip(make(), weights, shape)), 3 * tolerance);
    }
  },
};

const zeros: Case = {
  name: 'keeps zeros zero',
  run({ make }) {
    for (const shape of [
      [4, 128],
      [3, 37],
      [1, 1],
    ] as const) {
      const values = roundTrip(make(), new Float32Array(shape[0] * shape[1]), shape);
      claim(
        values.every((value) => value === 0),
        `zeros [${shape}] came back as ${values.find((value) => value !== 0)}`,
      );
    }
  },
};

const zeroRows: Case = {
  name: 'keeps rows of zeros zero among others',
  run({ make, random }) {
    const columns = 4096;
    const weights = normalWeights(random, 3 * columns);
    weights.fill(0, columns, 2 * columns);
    const row = roundTrip(make(), weights, [3, columns]).subarray(columns, 2 * columns);
    claim(
      row.every((value) => value === 0),
      `a row of zeros came back with ${row.find((value) => value !== 0)}`,
    );
  },
};

const outlier: Case = {
  name: 'survives one outlier',
  run({ make, random, tolerance }) {
    for (const factor of [100, -1000]) {
      const weights = normalWeights(random, 8 * 256);
      weights[700] = 0.02 * factor;
      const values = roundTrip(make(), weights, [8, 256]);
      const error = Math.abs((values[700] as number) / (weights[700] as number) - 1);
      claimError(`the outlier ${weights[700]}`, error, tolerance);
      claimError('its matrix', worst(weights, values), 3 * tolerance);
    }
  },
};

const settles: Case = {
  name: 'changes little when it quantizes its own values',
  run({ make, random, tolerance }) {
    const quantizer = make();
    const first = roundTrip(quantizer, normalWeights(random, 16 * 256), [16, 256]);
    claimError('a second pass', relativeError(first, roundTrip(quantizer, first, [16, 256])), tolerance);
  },
};

const repeats: Case = {
  name: 'gives the same planes every time',
  run({ make, random }) {
    const weights = normalWeights(random, 9 * 100);
    const quantizer = make();
    const first = planesText(quantize(quantizer, weights, [9, 100]));
    quantize(quantizer, normalWeights(random, 900), [9, 100]);
    claim(planesText(quantize(quantizer, weights, [9, 100])) === first, 'the second time differs');
    claim(planesText(quantize(make(), weights, [9, 100])) === first, 'a second quantizer differs');
    const shifted = new Float32Array(907);
    shifted.set(weights, 7);
    claim(
      planesText(quantize(quantizer, shifted.subarray(7), [9, 100])) === first,
      'weights that are a part of a larger buffer differ',
    );
  },
};

const leavesInput: Case = {
  name: 'leaves the weights and earlier results alone',
  run({ make, random }) {
    const quantizer = make();
    const weights = normalWeights(random, 8 * 128);
    const copy = weights.slice();
    const tensor = quantize(quantizer, weights, [8, 128]);
    claim(sameNumbers(weights, copy), 'the weights have changed');
    const values = quantizer.dequantize(tensor).slice();
    roundTrip(quantizer, normalWeights(random, 8 * 128), [8, 128]);
    claim(sameNumbers(quantizer.dequantize(tensor), values), 'a tensor changed when another was made');
  },
};

export const valueCases = [
  keepsBudget,
  partialBlocks,
  magnitudes,
  smallShapes,
  zeros,
  zeroRows,
  outlier,
  settles,
  repeats,
  leavesInput,
];
