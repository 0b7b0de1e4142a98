// Which attention is tried, by what is special about it: the rest is as `check` in attention-cases.ts has it.
//
// Shapes: H heads, HK key/value heads, C head dimension, CV value dimension.
import type { AttentionGate, QueryFactor, RopeSpec } from '../step.js';
import { ropeOf } from './chunks.js';

export interface AttentionSetting {
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly valueDim?: number;
  readonly pageSize?: number;
  readonly rope?: RopeSpec | null;
  readonly norm?: 'head' | 'all';
  /** Norms follow the rotation. */
  readonly normsTurned?: boolean;
  readonly clip?: number;
  readonly window?: number;
  /** It begins at multiples of itself. */
  readonly chunked?: boolean;
  readonly queryFactor?: QueryFactor;
  /** Pages before the window are -1, and hold later tokens. */
  readonly givesBack?: boolean;
  /** On top of C^-0.5. */
  readonly sharpness?: number;
  /** Sinks are normal numbers plus this. */
  readonly sinks?: number;
  readonly gate?: AttentionGate;
  readonly valueNorm?: boolean;
  readonly keysAsValues?: boolean;
  /** After each attention another one, of queries alone, over the keys and values that it has written. */
  readonly again?: boolean;
}

export const numberGate: AttentionGate = { kind: 'sigmoid', per: 'number', placed: 'withQueries' };

export const attentionSettings: Readonly<Record<string, AttentionSetting>> = {
  'as many key/value heads as heads': { heads: 3, kvHeads: 3, headDim: 16 },
  'grouped queries, 8 over 2': { heads: 8, kvHeads: 2 },
  'one key/value head': { heads: 5, kvHeads: 1, headDim: 64 },
  'head dimension 128': { heads: 2, kvHeads: 1, headDim: 128 },
  'head dimension 80': { heads: 2, kvHeads: 2, headDim: 80 },
  'head dimension 2': { heads: 2, kvHeads: 1, headDim: 2 },
  'values narrower than keys': { headDim: 48, valueDim: 32 },
  'no rotation': { rope: null },
  'interleaved rotation': { rope: ropeOf(32, 'interleaved') },
  'rotation of a part, halves': { rope: ropeOf(16) },
  'rotation of a part, interleaved': { rope: ropeOf(8, 'interleaved') },
  'rotation with an attention factor': { rope: ropeOf(32, 'halves', 1.25) },
  'norms over each head': { norm: 'head' },
  'norms over the whole width': { norm: 'all' },
  'norms after the rotation': { norm: 'head', normsTurned: true },
  'norms after a rotation of a part with an attention factor, clip, values normed': {
    ...{ norm: 'head', normsTurned: true, clip: 0.8, valueNorm: true },
    ...{ headDim: 40, valueDim: 18, rope: ropeOf(24, 'interleaved', 1.25) },
  },
  'norms after no rotation': { norm: 'head', normsTurned: true, rope: null },
  'queries that grow by position': { queryFactor: { slope: 0.5, every: 3, offset: 1 }, rope: null },
  'queries that grow, normed after the rotation, in chunks': {
    ...{ queryFactor: { slope: 0.1, every: 1, offset: 0 }, norm: 'head', normsTurned: true },
    ...{ window: 5, chunked: true },
  },
  'chunks of 1': { window: 1, chunked: true },
  'chunks of 7': { window: 7, chunked: true },
  'chunks as long as the sequence': { window: 100, chunked: true },
  'chunks, sinks and gates': { window: 6, chunked: true, sinks: 0, gate: numberGate },
  'clip after norms': { norm: 'all', clip: 0.8 },
  'clip without norms': { clip: 0.5 },
  'window of 1': { window: 1 },
  'window of 7': { window: 7 },
  'window as long as the sequence': { window: 100 },
  'pages of 1 token': { pageSize: 1 },
  'pages of 5 tokens': { pageSize: 5 },
  'pages of 64 tokens': { pageSize: 64 },
  'scores in the hundreds': { sharpness: 60 },
  'sinks beside the scores': { sinks: 0 },
  'sinks far below the scores': { sinks: -300 },
  'sinks far above the scores': { sinks: 12 },
  'sinks of heads of their own': { sinks: 1, heads: 3, kvHeads: 3, headDim: 16 },
  'sinks, norms, clip and a window': { sinks: 1, norm: 'head', clip: 0.8, window: 7 },
  'sinks beside scores in the hundreds': { sinks: 100, sharpness: 60 },
  'values normed by head': { norm: 'head', valueNorm: true },
  'values normed by head, narrower than keys, clip': {
    headDim: 40,
    valueDim: 18,
    valueNorm: true,
    clip: 0.8,
  },
  'keys as values': { keysAsValues: true, norm: 'head', window: 7 },
  'keys as values, normed, of one key/value head': {
    ...{ keysAsValues: true, valueNorm: true, norm: 'head' },
    ...{ heads: 4, kvHeads: 1, headDim: 64, rope: ropeOf(64) },
  },
  'keys as values, normed, a gate for each head at the end': {
    ...{ keysAsValues: true, valueNorm: true, norm: 'all' },
    gate: { kind: 'sigmoid', per: 'head', placed: 'last' },
  },
  'queries alone over what another attention has written': { again: true },
  'queries alone, values normed, a window': {
    ...{ again: true, heads: 6, kvHeads: 1, headDim: 48, norm: 'head', valueNorm: true, window: 7 },
  },
  'queries alone with sinks, gates and values narrower than keys': {
    ...{ again: true, headDim: 40, valueDim: 18, norm: 'all', clip: 0.8, sinks: 0 },
    gate: { ...numberGate, placed: 'last' },
  },
  'gates between queries': { gate: numberGate, norm: 'head', rope: ropeOf(16), sinks: 0 },
  'a gate for each head, softplus, at the end': {
    gate: { kind: 'softplus', per: 'head', placed: 'last' },
    sinks: 0,
  },
  'gates between queries of heads of 6 dimensions, values of 10': {
    gate: numberGate,
    heads: 6,
    kvHeads: 3,
    headDim: 6,
    valueDim: 10,
    rope: ropeOf(4),
  },
  'gates at the end, norms over the whole width, clip': {
    gate: { ...numberGate, placed: 'last' },
    norm: 'all',
    clip: 0.8,
  },
};
