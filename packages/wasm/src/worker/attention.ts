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

const recordBytes = bytesOf(cacheRecord);

type Operands = View<Instructions['attention']>;

interface Shape {
  readonly rowWidth: number;
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
}

export function attention(machine: Machine, operands: Operands): void {
  const { words, floats, thread, threads } = machine;
  const { qkv, rowWidth, heads, kvHeads, headDim, valueDim, cos, sin, pairs, interleaved } = operands;
  const { scale, window, clips, clip, queryNorm, keyNorm } = operands;
  const { records, pageSize, queries, key, tile, scratch, out, segments } = operands;
  const shape: Shape = { rowWidth, heads, kvHeads, headDim, valueDim };
  const preparation: Preparation = { clip: clips ? clip : null, pairs, interleaved };
  const firstHead = shareStart(kvHeads, thread, threads);
  const endHead = shareStart(kvHeads, thread + 1, threads);
  if (firstHead === endHead) return;

  let token = 0;
  let pages = operands.pages.start;
  for (let segment = 0; segment < segments.count; segment++) {
    const { start, tokens, pages: pageCount } = segments.at(segment);
    for (let i = 0; i < tokens; i++) {
      const row = qkv + 4 * rowWidth * (token + i);
      const [page, slot] = place(words, pages, pageSize, start + i);
      const rotation = { cos: cos + 4 * pairs * (token + i), sin: sin + 4 * pairs * (token + i) };
      const query = queries + 4 * heads * headDim * (token + i);
      prepareQueries(machine, row, query, shape, queryNorm, preparation, rotation, firstHead, endHead);
      prepareKeys(machine, row, key, shape, keyNorm, preparation, rotation, firstHead, endHead);
      for (let head = firstHead; head < endHead; head++) {
        const value = key + 4 * kvHeads * headDim;
        const source = (row + 4 * ((heads + kvHeads) * headDim + head * valueDim)) / 4;
        floats.copyWithin(value / 4, source, source + valueDim);
        if (preparation.clip !== null) machine.kernels.clamp(value, preparation.clip, valueDim);
        const record = records + recordBytes * (head - firstHead);
        machine.kernels.storeKeyValue(record, page, slot, key + 4 * headDim * head, value);
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
        window,
        scale,
        {
          queries,
          tile,
          scratch,
          out,
        },
      );
    }
    token += tokens;
    pages += pageCount;
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

/** Copies the heads [from, to) of width C from `source` to `target` and norms, clips and rotates them there. */
function prepareHeads(
  { kernels, floats }: Machine,
  source: number,
  target: number,
  { headDim, count }: { readonly headDim: number; readonly count: number },
  [from, to]: readonly [number, number],
  norm: Norm,
  { clip, pairs, interleaved }: Preparation,
  rotation: Rotation,
): void {
  const width = 4 * headDim;
  const own = target + from * width;
  const heads = to - from;
  if (norm.over === normScopes.all) {
    kernels.rmsNorm(source, norm.weight, norm.epsilon, 1, count * headDim, 0, target, 0);
  } else if (norm.over === normScopes.head) {
    kernels.rmsNorm(source + from * width, norm.weight, norm.epsilon, heads, headDim, width, own, width);
  } else {
    const start = (source + from * width) / 4;
    floats.copyWithin(own / 4, start, start + heads * headDim);
  }
  if (clip !== null) kernels.clamp(own, clip, heads * headDim);
  if (pairs > 0) kernels.rotate(own, heads, headDim, rotation.cos, rotation.sin, pairs, interleaved);
}

function prepareQueries(
  machine: Machine,
  row: number,
  target: number,
  { heads, kvHeads, headDim }: Shape,
  norm: Norm,
  preparation: Preparation,
  rotation: Rotation,
  firstHead: number,
  endHead: number,
): void {
  const group = heads / kvHeads;
  const range = [firstHead * group, endHead * group] as const;
  prepareHeads(machine, row, target, { headDim, count: heads }, range, norm, preparation, rotation);
}

function prepareKeys(
  machine: Machine,
  row: number,
  target: number,
  { heads, kvHeads, headDim }: Shape,
  norm: Norm,
  preparation: Preparation,
  rotation: Rotation,
  firstHead: number,
  endHead: number,
): void {
  const source = row + 4 * heads * headDim;
  const range = [firstHead, endHead] as const;
  prepareHeads(machine, source, target, { headDim, count: kvHeads }, range, norm, preparation, rotation);
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
  /** U32 [4, 4]: `tileWords`. */
  readonly tile: number;
  readonly scratch: number;
  readonly out: number;
}

/** All queries of one key/value head, in order of position. */
function attendHead(
  { words, kernels }: Machine,
  record: number,
  { heads, kvHeads, headDim, valueDim }: Shape,
  kvHead: number,
  { start, tokens, first, pages }: NewTokens,
  window: number,
  scale: number,
  { queries, tile, scratch, out }: Workspace,
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
      words[tile / 4 + at.from + i] = window === 0 ? 0 : Math.max(0, end - window);
      words[tile / 4 + at.to + i] = end;
      words[tile / 4 + at.outs + i] = out + 4 * ((first + token) * heads + head) * valueDim;
    }
    kernels.attendFour(record, pages, tile, count, scale, scratch);
  }
}
