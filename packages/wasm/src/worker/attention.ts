// Attention over the paged cache: every thread has its share of the key/value heads, with the queries that read them.
// Queries and keys are normed, clipped and rotated; keys and values of all new tokens are stored; then queries that share a
// key/value head attend, four at a time.
//
// Shapes: T tokens, H heads, HK key/value heads, G = H / HK, C head dimension, CV value dimension.
import type { View } from '../abi/decode.js';
import { tileWords as at, normScopes } from '../abi/enumerations.js';
import type { Instructions } from '../abi/instructions.js';
import { bytesOf, cacheRecord } from '../abi/records.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';
import { scaleQueries } from './query-factor.js';

const recordBytes = bytesOf(cacheRecord);

type Operands = View<Instructions['attention']>;

interface Shape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
}

interface Norm {
  readonly over: number;
  readonly weight: number;
  readonly epsilon: number;
}

interface Preparation {
  readonly clip: number | null;
  readonly pairs: number;
  readonly interleaved: boolean;
  readonly normsTurned: boolean;
}

export function attention(machine: Machine, operands: Operands): void {
  const { words, floats, thread, threads } = machine;
  const { qkv, row: parts, heads, kvHeads, headDim, valueDim, cos, sin, pairs, interleaved } = operands;
  const {
    scale,
    window,
    chunked,
    queryFactor,
    normsTurned,
    clips,
    clip,
    queryNorm,
    keyNorm,
    valueNorms,
    valueEpsilon,
    sinks,
  } = operands;
  const { records, pageSize, queries, key, tile, scratch, out, segments } = operands;
  const shape: Shape = { heads, kvHeads, headDim, valueDim };
  const { columns, queryStride, keysAt, valuesAt } = parts;
  const preparation: Preparation = { clip: clips ? clip : null, pairs, interleaved, normsTurned };
  const firstHead = shareStart(kvHeads, thread, threads);
  const endHead = shareStart(kvHeads, thread + 1, threads);
  if (firstHead === endHead) return;
  const group = heads / kvHeads;
  const [queryHeads, keyHeads] = [
    [firstHead * group, endHead * group],
    [firstHead, endHead],
  ] as const;
  const ofQueries = { headDim, count: heads, stride: queryStride };
  const ofKeys = { headDim, count: kvHeads, stride: headDim };

  let token = 0;
  let pages = operands.pages.start;
  for (let segment = 0; segment < segments.count; segment++) {
    const { start, tokens, pages: pageCount } = segments.at(segment);
    for (let i = 0; i < tokens; i++) {
      const row = qkv + 4 * columns * (token + i);
      const [page, inPage] = place(words, pages, pageSize, start + i);
      const rotation = { cos: cos + 4 * pairs * (token + i), sin: sin + 4 * pairs * (token + i) };
      const query = queries + 4 * heads * headDim * (token + i);
      prepareHeads(machine, row, query, ofQueries, queryHeads, queryNorm, preparation, rotation);
      const own = query + 4 * headDim * queryHeads[0];
      const numbers = headDim * (queryHeads[1] - queryHeads[0]);
      scaleQueries(floats, own, numbers, queryFactor, start + i);
      if (operands.keysInCache) continue;
      prepareHeads(machine, row + 4 * keysAt, key, ofKeys, keyHeads, keyNorm, preparation, rotation);
      for (let head = firstHead; head < endHead; head++) {
        const value = key + 4 * kvHeads * headDim;
        const source = row + 4 * (valuesAt + head * valueDim);
        if (valueNorms) machine.kernels.rmsNorm(source, 0, valueEpsilon, 1, valueDim, 0, value, 0);
        else floats.copyWithin(value / 4, source / 4, source / 4 + valueDim);
        if (preparation.clip !== null) machine.kernels.clamp(value, preparation.clip, valueDim);
        const record = records + recordBytes * (head - firstHead);
        machine.kernels.storeKeyValue(record, page, inPage, key + 4 * headDim * head, value);
      }
    }
    for (let head = firstHead; head < endHead; head++) {
      const record = records + recordBytes * (head - firstHead);
      attendHead(
        machine,
        record,
        shape,
        head,
        { start, tokens, first: token, pages: 4 * pages },
        { window, chunked },
        scale,
        { queries, sinks, tile, scratch, out },
      );
    }
    token += tokens;
    pages += pageCount;
  }
  if (parts.gateWidth > 0) gateHeads(machine, operands, token, queryHeads);
}

/** Multiplies the output of `tokens` tokens by their gates: the heads [from, to). */
function gateHeads(
  { kernels }: Machine,
  { qkv, row, heads, valueDim, gate, out }: Operands,
  tokens: number,
  [from, to]: readonly [number, number],
): void {
  for (let token = 0; token < tokens; token++) {
    const first = qkv + 4 * (row.columns * token + row.gateAt);
    for (let head = from; head < to; head++) {
      const target = out + 4 * (token * heads + head) * valueDim;
      kernels.gateHead(target, first + 4 * row.gateStride * head, row.gateWidth, gate, valueDim);
    }
  }
}

/** Page of a position, and its row there. */
function place(words: Int32Array, pages: number, pageSize: number, position: number): [number, number] {
  const index = Math.floor(position / pageSize);
  return [words[pages + index] as number, position - index * pageSize];
}

interface Rotation {
  readonly cos: number;
  readonly sin: number;
}

/**
 * Copies the heads [from, to) of width C from `source` to `target`, where they lie one behind the other, and norms, clips and
 * rotates them there.
 */
function prepareHeads(
  { kernels, floats }: Machine,
  source: number,
  target: number,
  { headDim, count, stride }: { readonly headDim: number; readonly count: number; readonly stride: number },
  [from, to]: readonly [number, number],
  norm: Norm,
  { clip, pairs, interleaved, normsTurned }: Preparation,
  rotation: Rotation,
): void {
  const width = 4 * headDim;
  const own = target + from * width;
  const heads = to - from;
  const first = source + 4 * stride * from;
  if (norm.over === normScopes.all) {
    kernels.rmsNorm(source, norm.weight, norm.epsilon, 1, count * headDim, 0, target, 0);
  } else if (norm.over === normScopes.head && !normsTurned) {
    kernels.rmsNorm(first, norm.weight, norm.epsilon, heads, headDim, 4 * stride, own, width);
  } else {
    const runs = stride === headDim ? 1 : heads;
    const length = (heads / runs) * headDim;
    for (let run = 0; run < runs; run++) {
      const start = first / 4 + run * stride;
      floats.copyWithin(own / 4 + run * length, start, start + length);
    }
  }
  const rotate = (): void => {
    if (pairs > 0) kernels.rotate(own, heads, headDim, rotation.cos, rotation.sin, pairs, interleaved);
  };
  if (normsTurned) rotate();
  if (normsTurned && norm.over === normScopes.head)
    kernels.rmsNorm(own, norm.weight, norm.epsilon, heads, headDim, width, own, width);
  if (clip !== null) kernels.clamp(own, clip, heads * headDim);
  if (!normsTurned) rotate();
}

/** The tokens of a segment that are new: rows `first` on, at positions `start` on. */
interface NewTokens {
  readonly start: number;
  readonly tokens: number;
  readonly first: number;
  /** Address of its pages. */
  readonly pages: number;
}

interface Workspace {
  readonly queries: number;
  /** Float32 [H]; 0: none. */
  readonly sinks: number;
  /** [5, 4]: `tileWords`. */
  readonly tile: number;
  readonly scratch: number;
  readonly out: number;
}

/** Positions that a query sees. */
interface Seen {
  /** 0: all. */
  readonly window: number;
  readonly chunked: boolean;
}

/** @param end behind the query's own position */
function firstSeen(end: number, { window, chunked }: Seen): number {
  if (window === 0) return 0;
  return chunked ? end - 1 - ((end - 1) % window) : Math.max(0, end - window);
}

/** All queries of one key/value head, in order of position. */
function attendHead(
  { words, floats, kernels }: Machine,
  record: number,
  { heads, kvHeads, headDim, valueDim }: Shape,
  kvHead: number,
  { start, tokens, first, pages }: NewTokens,
  seen: Seen,
  scale: number,
  { queries, sinks, tile, scratch, out }: Workspace,
): void {
  const group = heads / kvHeads;
  const total = tokens * group;
  for (let query = 0; query < total; query += 4) {
    const count = Math.min(4, total - query);
    for (let i = 0; i < 4; i++) {
      const index = query + Math.min(i, count - 1);
      const token = Math.floor(index / group);
      const head = kvHead * group + (index - token * group);
      const end = start + token + 1;
      words[tile / 4 + at.queries + i] = queries + 4 * ((first + token) * heads + head) * headDim;
      words[tile / 4 + at.from + i] = firstSeen(end, seen);
      words[tile / 4 + at.to + i] = end;
      words[tile / 4 + at.outs + i] = out + 4 * ((first + token) * heads + head) * valueDim;
      floats[tile / 4 + at.sinks + i] = sinks === 0 ? -Infinity : (floats[sinks / 4 + head] as number);
    }
    kernels.attendFour(record, pages, tile, count, scale, scratch);
  }
}
