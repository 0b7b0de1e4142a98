// Mixtral in float64, written from the paper (Jiang et al., arXiv 2401.04088) and independently of decoder and backends:
// one token at a time, vectors as plain arrays, no cache but lists of keys and values, experts one after the other.
//
// Shapes: D hidden, H heads, HK key/value heads, C head dimension, E experts, A experts per token, F intermediate.

import type { MatrixData } from '@moeq/kernels';
import { float32View } from '@moeq/tensors';
import type { DecoderConfig, MatrixPlace, ModelSource } from '../model-source.js';

type Row = number[];
type Matrix = Row[];

export interface NaiveOutput {
  /** [T][V] */
  readonly logits: Matrix;
  /** [layer][T][A], best first */
  readonly experts: number[][][];
}

export async function naiveMixtral(source: ModelSource, ids: readonly number[]): Promise<NaiveOutput> {
  const { config, weights } = source;
  const read = async (place: MatrixPlace) => toMatrix(await weights.matrix(place));
  const embedding = await read({ kind: 'embedding' });
  let rows: Matrix = ids.map((id) => [...(embedding[id] ?? [])]); // [T][D]
  const experts: number[][][] = [];
  for (let layer = 0; layer < config.layers.length; layer += 1) {
    const projections = await Promise.all(
      (['query', 'key', 'value', 'output'] as const).map((projection) =>
        read({ kind: 'attention', layer, projection }),
      ),
    );
    const attentionNorm = [...(await weights.vector({ kind: 'attentionNorm', layer }))];
    rows = attend(config, rows, attentionNorm, projections);
    const mlpNorm = [...(await weights.vector({ kind: 'mlpNorm', layer }))];
    const router = await read({ kind: 'router', layer });
    const chosen: number[][] = [];
    for (const [token, row] of rows.entries()) {
      const x = norm(row, mlpNorm, config.normEpsilon);
      const { output, expertIndices } = await mixture(source, layer, x, router);
      rows[token] = row.map((value, i) => value + at(output, i));
      chosen.push(expertIndices);
    }
    experts.push(chosen);
  }
  const finalNorm = [...(await weights.vector({ kind: 'finalNorm' }))];
  const head = await read({ kind: 'head' });
  return { logits: rows.map((row) => multiply(head, norm(row, finalNorm, config.normEpsilon))), experts };
}

function attend(config: DecoderConfig, rows: Matrix, weight: Row, [wq, wk, wv, wo]: Matrix[]): Matrix {
  const { heads, kvHeads, headDim } = config.attention;
  const inputs = rows.map((row) => norm(row, weight, config.normEpsilon));
  const heads_ = (matrix: Matrix | undefined, x: Row) => chunks(multiply(matrix ?? [], x), headDim);
  const queries = inputs.map((x, position) => heads_(wq, x).map((head) => rotate(config, head, position)));
  const keys = inputs.map((x, position) => heads_(wk, x).map((head) => rotate(config, head, position)));
  const values = inputs.map((x) => heads_(wv, x));
  return rows.map((row, token) => {
    const mixed = Array.from({ length: heads }, (_, head) => {
      const shared = Math.floor(head / (heads / kvHeads));
      const query = queries[token]?.[head] ?? [];
      const past = keys.slice(0, token + 1).map((key) => key[shared] ?? []);
      const shares = softmax(past.map((key) => dot(query, key) / Math.sqrt(headDim)));
      return Array.from({ length: headDim }, (_, c) =>
        shares.reduce((total, share, t) => total + share * at(values[t]?.[shared] ?? [], c), 0),
      );
    }).flat();
    const output = multiply(wo ?? [], mixed);
    return row.map((value, i) => value + at(output, i));
  });
}

/** Pairs (i, i + C/2) turn by position * theta^(-2i/C). */
function rotate(config: DecoderConfig, head: Row, position: number): Row {
  const half = head.length / 2;
  const theta = config.attention.rope?.theta ?? 1;
  return head.map((value, i) => {
    const angle = position * theta ** ((-2 * (i % half)) / head.length);
    const partner = i < half ? -at(head, i + half) : at(head, i - half);
    return value * Math.cos(angle) + partner * Math.sin(angle);
  });
}

async function mixture(source: ModelSource, layer: number, x: Row, router: Matrix) {
  const mlp = source.config.layers[layer]?.mlp;
  if (mlp?.kind !== 'moe') throw new Error(`layer ${layer} has no experts`);
  const { expertsPerToken } = mlp.route;
  const scores = softmax(multiply(router, x));
  const order = scores.map((_, e) => e).sort((a, b) => at(scores, b) - at(scores, a) || a - b);
  const expertIndices = order.slice(0, expertsPerToken);
  const total = expertIndices.reduce((sum, e) => sum + at(scores, e), 0);
  const output: Row = x.map(() => 0);
  for (const expert of expertIndices) {
    const { gateUp, down } = await source.weights.expert(layer, expert);
    const [gate, up] = gateUp.map((part) => multiply(toMatrix(part), x));
    const inner = (gate ?? []).map((value, f) => (value / (1 + Math.exp(-value))) * at(up ?? [], f));
    const result = multiply(toMatrix(down), inner);
    for (let i = 0; i < output.length; i += 1)
      output[i] = at(output, i) + (at(scores, expert) / total) * at(result, i);
  }
  return { output, expertIndices };
}

function norm(x: Row, weight: Row, epsilon: number): Row {
  const factor = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * factor * at(weight, i));
}

function softmax(x: Row): Row {
  const max = Math.max(...x);
  const powers = x.map((value) => Math.exp(value - max));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

function multiply(matrix: Matrix, x: Row): Row {
  return matrix.map((row) => dot(row, x));
}

function dot(a: Row, b: Row): number {
  return a.reduce((total, value, i) => total + value * at(b, i), 0);
}

/** NaN outside the row: a wrong index shows. */
function at(row: Row, index: number): number {
  return row[index] ?? Number.NaN;
}

function chunks(row: Row, size: number): Matrix {
  return Array.from({ length: row.length / size }, (_, i) => row.slice(i * size, (i + 1) * size));
}

function toMatrix(data: MatrixData): Matrix {
  if (!('data' in data) || data.dtype !== 'F32') throw new Error('the naive model reads plain F32 only');
  const [, columns = 0] = data.shape;
  return chunks([...float32View(data.data)], columns);
}
