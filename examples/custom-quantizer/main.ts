// Fits the quantizer to tiny-moe, holds it against nf4, and lets the model write with it.
import { openModel } from '@moeq/loader/node';
import { nf4, type Quantizer } from '@moeq/quantizers';
import { createModel } from '@moeq/runtime';
import { bitsPerWeight } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import { dual } from './dual.ts';
import { fitted } from './fitted.ts';
import { expertMatrices } from './sample.ts';

const [first, ...others] = await expertMatrices('tiny-moe');
if (first === undefined) throw new Error('tiny-moe has experts');
const mine = fitted({ sample: first.weights });
console.log(`options: ${JSON.stringify(mine.options)}\n`);

console.log('quantizer  bits per weight  error of the experts');
for (const quantizer of [nf4(), mine, dual()]) {
  const { bits, error } = measure(quantizer);
  console.log(
    `${quantizer.name.padEnd(9)}  ${bits.toFixed(2).padStart(15)}  ${(100 * error).toFixed(2).padStart(18)} %`,
  );
}

const recipe = { name: 'mine', rules: [{ role: 'expert', quantizer: { name: 'fitted' } }] };
const source = await openModel('tiny-moe', { recipe, quantizers: [mine] });
const model = await createModel(source, { backend: await wasmBackend() });
const { text } = await model.complete('In the beginning', { temperature: 0, maxNewTokens: 24 });
console.log(`\nIn the beginning${text}`);
await model.close();
await source.close();

/** Bits a weight, and the root mean square error over that of the weights, of the experts that were not fitted to. */
function measure(quantizer: Quantizer): { bits: number; error: number } {
  let [difference, power, bits] = [0, 0, 0];
  for (const { weights, shape } of others) {
    const tensor = quantizer.quantize(weights, shape, { name: 'expert', dtype: 'BF16' });
    const values = quantizer.dequantize(tensor);
    weights.forEach((weight, index) => {
      difference += (weight - (values[index] as number)) ** 2;
      power += weight ** 2;
    });
    bits = bitsPerWeight(tensor);
  }
  return { bits, error: Math.sqrt(difference / power) };
}
