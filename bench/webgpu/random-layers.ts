// Layers with weights of random bytes in a backend: what they compute is noise, what they cost is not. The codes of all
// experts are the same bytes on this side and different memory on the device.
//
// Shapes: D hidden, F intermediate, N rows, K columns.
import type {
  Activations,
  Backend,
  ExpertWeights,
  KvCache,
  MatrixData,
  Step,
  Vector,
  Weight,
} from '@moeq/kernels';
import { doubleQuant, nf4 } from '@moeq/quantizers';
import type { Shape } from './shapes.ts';

interface Layer {
  readonly norm: Vector;
  readonly qkv: Weight;
  readonly output: Weight;
  readonly router: Weight;
  readonly experts: ExpertWeights;
}

export interface RandomLayers {
  /** Bytes of weights on the device. */
  readonly bytes: number;
  /** One token through all layers, at a position of the cache. */
  token(step: Step, position: number): Activations;
}

const pageSize = 16;

/** @param positions tokens that the cache has room for */
export async function loadRandomLayers(
  backend: Backend,
  shape: Shape,
  positions: number,
): Promise<RandomLayers> {
  const { hidden, intermediate, experts, expertsPerToken, heads, kvHeads, headDim } = shape;
  const up = quantized(intermediate, hidden);
  const down = quantized(hidden, intermediate);
  const layers: Layer[] = [];
  for (let index = 0; index < shape.layers; index++) {
    layers.push({
      norm: await backend.loadVector(new Float32Array(hidden).fill(1)),
      qkv: await backend.loadWeight([plain((heads + 2 * kvHeads) * headDim, hidden)]),
      output: await backend.loadWeight([plain(hidden, heads * headDim)]),
      router: await backend.loadWeight([plain(experts, hidden)]),
      experts: await backend.loadExperts(experts, async () => ({ gateUp: [up, up], down })),
    });
  }
  const pages = Math.ceil(positions / pageSize);
  const cache = backend.createKvCache({ layers: shape.layers, kvHeads, headDim, pageSize, pages });
  const route = { experts, expertsPerToken, score: 'softmax', normalizeTopK: true } as const;
  const attention = { heads, kvHeads, headDim, scale: headDim ** -0.5, rope: null };
  const table = Int32Array.from({ length: pages }, (_, page) => page);

  const run = (step: Step, x: Activations, layer: Layer, index: number, place: KvCache, start: number) => {
    const norm = { weight: layer.norm, epsilon: 1e-5 };
    const segments = [{ pages: table, start, tokens: 1 }];
    const qkv = step.linear(step.norm(x, norm), layer.qkv);
    const heads = step.attention(qkv, place, index, segments, attention);
    const attended = step.add(x, step.linear(heads, layer.output));
    const normed = step.norm(attended, norm);
    const routing = step.route(step.linear(normed, layer.router), route);
    return step.add(attended, step.experts(normed, routing, layer.experts, { kind: 'silu', gated: true }));
  };
  return {
    bytes: layers.reduce((sum, { qkv, output, router, experts }) => {
      return sum + qkv.bytes + output.bytes + router.bytes + experts.bytes;
    }, 0),
    token(step, position) {
      const x = step.input(
        Float32Array.from({ length: hidden }, (_, i) => Math.sin(i + position)),
        1,
      );
      return layers.reduce((y, layer, index) => run(step, y, layer, index, cache, position), x);
    },
  };
}

/** bfloat16 of ±2^-8 to ±2^-7: small enough to add up, never NaN. */
function plain(rows: number, columns: number): MatrixData {
  const words = new Uint16Array(rows * columns);
  for (let i = 0; i < words.length; i++) {
    const hash = Math.imul(i + rows, 0x9e3779b1) >>> 0;
    words[i] = 0x3b80 | ((hash >>> 8) & 0x7f) | ((hash >>> 31) << 15);
  }
  return { dtype: 'BF16', shape: [rows, columns], data: new Uint8Array(words.buffer) };
}

/** nf4 with double quantization, of a small matrix again and again. */
function quantized(rows: number, columns: number): MatrixData {
  const strip = 64;
  const weights = Float32Array.from({ length: strip * columns }, (_, i) => 0.02 * Math.sin(12.9898 * i));
  const quantizer = doubleQuant(nf4());
  const one = quantizer.quantize(weights, [strip, columns], { name: 'random', dtype: 'BF16' });
  const shape = [rows, columns] as const;
  const times = rows / strip;
  const planes = Object.fromEntries(
    Object.entries(one.planes).map(([name, plane]) => {
      // one number a matrix
      if (name === 'scalesOffset') return [name, plane];
      const data = new Uint8Array(plane.data.byteLength * times);
      for (let i = 0; i < times; i++) data.set(plane.data, i * plane.data.byteLength);
      return [name, { ...plane, data }];
    }),
  );
  return { ...one, shape, layout: quantizer.layout(shape), planes };
}
