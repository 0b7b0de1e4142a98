// Latent attention: pages of latents are divided over the threads, heads too. Every thread writes the new latents of its pages,
// copies the pages that others have, and attends with its heads, in the form of latent-plan.ts.
//
// Shapes: T tokens, L positions, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension,
// S float32 of a row of the cache.
import type { View } from '../abi/decode.js';
import { tileWords as at } from '../abi/enumerations.js';
import type { Instructions } from '../abi/instructions.js';
import { rowsRecord, wordsIn } from '../abi/records.js';
import { type LatentPlan, latentPlan } from '../latent-plan.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';
import { scaleQueries } from './query-factor.js';

type Operands = View<Instructions['latentAttention']>;

const field = wordsIn(rowsRecord);

/** The new tokens of a sequence: rows `first` on of the step, at positions `start` on. */
interface NewTokens {
  readonly start: number;
  readonly tokens: number;
  readonly first: number;
  /** Word of its pages. */
  readonly pages: number;
  readonly pageCount: number;
}

/** Heads of this thread. */
interface Heads {
  readonly from: number;
  readonly to: number;
}

export function latentAttention(machine: Machine, operands: Operands): void {
  const { thread, threads, barrier } = machine;
  const { heads, nopeDim, ropeDim, latentDim, valueDim, segments } = operands;
  const shape = { heads, nopeDim, ropeDim, latentDim, valueDim };
  const all: NewTokens[] = [];
  let [first, pages] = [0, operands.pages.start];
  for (let index = 0; index < segments.count; index++) {
    const { start, tokens, pages: pageCount } = segments.at(index);
    all.push({ start, tokens, first, pages, pageCount });
    first += tokens;
    pages += pageCount;
  }
  const job = new Job(machine, operands);
  for (const segment of all) job.store(segment);
  barrier.wait();
  const own = { from: shareStart(heads, thread, threads), to: shareStart(heads, thread + 1, threads) };
  if (own.from === own.to) return;
  for (const segment of all) {
    job.gatherPages(segment);
    const plan = latentPlan(shape, own.to - own.from, segment.start, segment.tokens);
    if (plan.expands) job.expanded(segment, own, plan);
    else job.absorbed(segment, own, plan);
  }
}

/** The operands, read once: each is a word of the program. */
class Job {
  readonly #machine: Machine;
  readonly #operands: Operands;

  constructor(machine: Machine, operands: Operands) {
    this.#machine = machine;
    this.#operands = { ...operands };
  }

  /** Writes the latents of new tokens to the pages that this thread has. */
  store({ start, tokens, first, pages }: NewTokens): void {
    const { kernels, words, thread, threads } = this.#machine;
    const { latents, ropeDim, latentDim, normWeight, epsilon, pageSize } = this.#operands;
    for (let i = 0; i < tokens; i++) {
      const position = start + i;
      const index = Math.floor(position / pageSize);
      const page = words[pages + index] as number;
      if (page % threads !== thread) continue;
      const row = this.#pageAddress(page) + this.#rowBytes * (position - index * pageSize);
      const source = latents + 4 * (latentDim + ropeDim) * (first + i);
      kernels.rmsNorm(source, normWeight, epsilon, 1, latentDim, 0, row, 0);
      this.#turn(source + 4 * latentDim, row + 4 * latentDim, first + i, this.#rowBytes / 4 - latentDim);
    }
  }

  /** Leaves the addresses of a sequence's pages in `addresses`; those of other threads are copied first. */
  gatherPages({ start, tokens, pages }: NewTokens): void {
    const machine = this.#machine;
    const { words, thread, threads } = machine;
    const { addresses, staging, pageBytes, pageSize } = this.#operands;
    const count = Math.ceil((start + tokens) / pageSize);
    for (let index = 0; index < count; index++) {
      const page = words[pages + index] as number;
      const owner = page % threads;
      let address = this.#pageAddress(page);
      if (owner !== thread) {
        const copy = staging + pageBytes * index;
        machine.copyFrom(owner, address, pageBytes / 4, copy);
        address = copy;
      }
      words[addresses / 4 + index] = address;
    }
  }

  /** Queries and outputs of heads in place of keys and values of positions. */
  absorbed({ start, tokens, first }: NewTokens, own: Heads, plan: LatentPlan): void {
    const { kernels } = this.#machine;
    const { queries, expansion, heads, nopeDim, ropeDim, latentDim, valueDim, work, out, addresses } =
      this.#operands;
    const count = own.to - own.from;
    const queryDim = nopeDim + ropeDim;
    const rowStride = 4 * plan.rowFloats;
    const u = work + plan.outs;
    const rows = nopeDim + valueDim;
    for (let h = 0; h < count; h++) {
      const head = own.from + h;
      const source = queries + 4 * (first * heads + head) * queryDim;
      const target = work + rowStride * h * tokens;
      const stride = 4 * heads * queryDim;
      kernels.multiplyAcross(expansion, head * rows, nopeDim, source, stride, tokens, target, rowStride);
      for (let t = 0; t < tokens; t++) {
        const common = target + rowStride * t + 4 * latentDim;
        this.#turn(source + stride * t + 4 * nopeDim, common, first + t, plan.rowFloats - latentDim);
        this.#scale(target + rowStride * t, latentDim + ropeDim, start + t);
      }
    }
    this.#describe({ pages: addresses, pageSize: this.#operands.pageSize, stride: rowStride });
    this.#describe({ keyDim: plan.rowFloats, valueAt: 0, valueDim: latentDim });
    this.#attend(tokens * count, work + plan.scratch, (index) => {
      const t = Math.floor(index / count);
      const place = (index - t * count) * tokens + t;
      return { query: work + rowStride * place, to: start + t + 1, out: u + 4 * latentDim * place };
    });
    for (let h = 0; h < count; h++) {
      const source = u + 4 * latentDim * h * tokens;
      const target = out + 4 * valueDim * (first * heads + own.from + h);
      const [from, to] = [h * rows + nopeDim, (h + 1) * rows];
      kernels.floatLinear(expansion, source, 0, tokens, from, to, target, 4 * heads * valueDim);
    }
  }

  /** Keys and values of all positions, a head at a time. */
  expanded({ start, tokens, first }: NewTokens, own: Heads, plan: LatentPlan): void {
    const { kernels, floats, words } = this.#machine;
    const { queries, expansion, heads, nopeDim, ropeDim, latentDim, valueDim, work, out } = this.#operands;
    const { addresses, pageSize } = this.#operands;
    const positions = start + tokens;
    const queryDim = nopeDim + ropeDim;
    const [latents, expanded] = [work + plan.latents, work + plan.expanded];
    const stride = 4 * plan.expandedFloats;
    for (let position = 0; position < positions; position++) {
      const page = Math.floor(position / pageSize);
      const row = (words[addresses / 4 + page] as number) >>> 0;
      const source = (row + this.#rowBytes * (position - page * pageSize)) / 4;
      floats.copyWithin((latents + 4 * latentDim * position) / 4, source, source + latentDim);
      const common = (expanded + stride * position) / 4 + nopeDim;
      floats.copyWithin(common, source + latentDim, source + latentDim + ropeDim);
      floats.fill(0, common + ropeDim, common + plan.keyFloats - nopeDim);
    }
    this.#describe({ pages: addresses, pageSize: positions, stride });
    this.#describe({ keyDim: plan.keyFloats, valueAt: 4 * plan.keyFloats, valueDim });
    words[addresses / 4] = expanded;
    const rows = nopeDim + valueDim;
    for (let head = own.from; head < own.to; head++) {
      const row = (head - own.from) * rows;
      const values = expanded + 4 * plan.keyFloats;
      kernels.floatLinear(expansion, latents, 0, positions, row, row + nopeDim, expanded, stride);
      kernels.floatLinear(expansion, latents, 0, positions, row + nopeDim, row + rows, values, stride);
      for (let t = 0; t < tokens; t++) {
        const source = queries + 4 * ((first + t) * heads + head) * queryDim;
        const target = work + 4 * plan.keyFloats * t;
        floats.copyWithin(target / 4, source / 4, source / 4 + nopeDim);
        this.#turn(source + 4 * nopeDim, target + 4 * nopeDim, first + t, plan.keyFloats - nopeDim);
        this.#scale(target, queryDim, start + t);
      }
      this.#attend(tokens, work + plan.scratch, (t) => ({
        query: work + 4 * plan.keyFloats * t,
        to: start + t + 1,
        out: out + 4 * ((first + t) * heads + head) * valueDim,
      }));
    }
  }

  get #rowBytes(): number {
    const { pageBytes, pageSize } = this.#operands;
    return pageBytes / pageSize;
  }

  /** In the memory of the thread that has it. */
  #pageAddress(page: number): number {
    const { cache, pageBytes } = this.#operands;
    return cache + pageBytes * Math.floor(page / this.#machine.threads);
  }

  /** Copies and rotates P numbers of a token, and fills up to `room` numbers with zeros. */
  #turn(source: number, target: number, token: number, room: number): void {
    const { floats, kernels } = this.#machine;
    const { ropeDim, cos, sin, pairs, interleaved } = this.#operands;
    floats.copyWithin(target / 4, source / 4, source / 4 + ropeDim);
    floats.fill(0, target / 4 + ropeDim, target / 4 + room);
    if (pairs === 0) return;
    const angle = 4 * pairs * token;
    kernels.rotate(target, 1, ropeDim, cos + angle, sin + angle, pairs, interleaved);
  }

  /** Multiplies the numbers of a query at `position`. */
  #scale(query: number, count: number, position: number): void {
    scaleQueries(this.#machine.floats, query, count, this.#operands.queryFactor, position);
  }

  /** Fields of the record of rows. */
  #describe(fields: Partial<Record<keyof typeof rowsRecord, number>>): void {
    const { words } = this.#machine;
    const { record } = this.#operands;
    for (const [name, value] of Object.entries(fields))
      words[record / 4 + field[name as keyof typeof rowsRecord]] = value;
  }

  /** All queries, four at a time, in order of position. */
  #attend(
    count: number,
    scratch: number,
    queryAt: (index: number) => { readonly query: number; readonly to: number; readonly out: number },
  ): void {
    const { words, kernels } = this.#machine;
    const { tile, record, scale } = this.#operands;
    for (let first = 0; first < count; first += 4) {
      const own = Math.min(4, count - first);
      for (let i = 0; i < 4; i++) {
        const { query, to, out } = queryAt(first + Math.min(i, own - 1));
        words[tile / 4 + at.queries + i] = query;
        words[tile / 4 + at.to + i] = to;
        words[tile / 4 + at.outs + i] = out;
      }
      kernels.attendRows(record, tile, own, scale, scratch);
    }
  }
}
