// One package, one matrix: quantize it, see what it costs, and compute with what is left.
import { doubleQuant, int8, nf4 } from '@moeq/quantizers';

const [rows, columns] = [256, 1024];
// stands for the weights of a program of yours
const weights = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 12.9898) * 0.05);

for (const quantizer of [int8(), nf4(), doubleQuant(nf4())]) {
  const tensor = quantizer.quantize(weights, [rows, columns], { name: 'weights', dtype: 'F32' });
  const bytes = Object.values(tensor.planes).reduce((sum, { data }) => sum + data.byteLength, 0);
  const values = quantizer.dequantize(tensor);
  const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - (weights[i] ?? 0))), 0);
  console.log(
    `${quantizer.name.padEnd(6)}  ${weights.byteLength} -> ${bytes} bytes, largest error ${worst.toFixed(4)}`,
  );
}
