// A sequence that is cut back goes on as if it had never gone further, whatever its layers keep.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { best, type CachedModel, cachedModel, type Kept, keepingConfig } from '../testkit/cached-model.js';
import { someIds } from '../testkit/random-source.js';
import { deadPages, windowPages } from './cache-groups.js';
import type { Sequence } from './sequence.js';

/** Windows shorter and longer than pages and sequences and states of convolutions, beside layers that see all. */
const models: readonly (readonly Kept[])[] = [
  [null, null],
  [3, null],
  [1, 6, null],
  [20, 5],
  [17],
  [16, null, 40],
  [{ taps: 3 }, null],
  [{ taps: 2 }],
  [{ taps: 4 }, 5, { taps: 3 }],
  ['latent'],
  ['latent', 3, 'latent'],
  ['latent', { taps: 3 }],
  ['delta', 'delta', null],
  ['delta', 5, { taps: 3 }],
  ['kimi', 'latent'],
  ['mamba2', null],
  ['mamba', 5, 'mamba2'],
];

const nameOf = (kept: Kept) => {
  if (kept === null) return 'all';
  if (kept === 'latent') return 'latents';
  if (kept === 'delta') return 'a delta net';
  if (kept === 'kimi') return 'Kimi Delta Attention';
  if (typeof kept === 'string') return kept;
  return typeof kept === 'number' ? `${kept}` : `${kept.taps} taps`;
};

/** Greedy: tokens and the logits that they were chosen by. */
async function generate(model: CachedModel, sequence: Sequence, count: number, chunk?: number) {
  const tokens: number[] = [];
  const logits: number[][] = [];
  for (let i = 0; i < count; i += 1) {
    const own = await model.feedAll(sequence, chunk);
    const token = best(own);
    sequence.tokens.push(token);
    tokens.push(token);
    logits.push([...own]);
  }
  return { tokens, logits };
}

describe.each(models.map((layers) => [layers.map(nameOf).join(', '), layers] as const))(
  'layers that see %s',
  (_, layers) => {
    const config = keepingConfig(layers);
    const hasStates = layers.some((kept) => kept !== 'latent' && kept !== null && typeof kept !== 'number');

    test.each([4, 16])('40 tokens, cut to 7 earlier lengths and continued, pages of %i', async (pageSize) => {
      const lengths = fc.array(fc.integer({ min: 1, max: 59 }), { minLength: 7, maxLength: 7 });
      const chunks = fc.constantFrom(1, 5, 64);
      await fc.assert(
        fc.asyncProperty(
          lengths,
          chunks,
          fc.integer({ min: 1, max: 20 }),
          async (cuts, chunk, promptTokens) => {
            const model = await cachedModel(config, { pageSize, pages: 64 });
            const fresh = await cachedModel(config, { pageSize, pages: 64 });
            const sequence = model.sequence(someIds(config, promptTokens, 1));
            await generate(model, sequence, 40, chunk);
            for (const [index, length] of cuts.toSorted((a, b) => b - a).entries()) {
              sequence.cut(length);
              expect(sequence.cached).toBeLessThanOrEqual(Math.min(length, sequence.tokens.length));
              // Another token than the one that was there.
              sequence.tokens.push(index);
              const expected = fresh.sequence(sequence.tokens);
              expect(await generate(model, sequence, 4)).toEqual(await generate(fresh, expected, 4));
              expected.release();
            }
          },
        ),
        { numRuns: 4 },
      );
    });

    test('a cut within the last step feeds nothing again, or that step where there are states', async () => {
      const model = await cachedModel(config, { pageSize: 4, pages: 64 });
      for (let before = 1; before < 30; before += 3) {
        for (let left = 1; left <= 6; left += 1) {
          const sequence = model.sequence(someIds(config, before + 6, 2));
          await model.feed(sequence, before);
          await model.feed(sequence, 6);
          sequence.cut(before + left);
          expect(sequence.cached).toBe(hasStates && left < 6 ? before : before + left);
          sequence.release();
        }
      }
    });

    test('a windowed layer holds its window and a page at most, and the tokens of the step, at any length', async () => {
      const pageSize = 4;
      const model = await cachedModel(config, { pageSize, pages: 64 });
      const sequence = model.sequence(someIds(config, 120, 3));
      for (const count of [1, 1, 7, 30, 1, 2, 16, 1, 1, 1, 40, 1, 1, 4, 1]) {
        await model.feed(sequence, count);
        for (const [group, kept] of model.pool.groups.entries()) {
          const { held = 0 } = sequence.tables[group] ?? {};
          const { freePages = 0, pages = 0 } = model.pool.allocators[group] ?? {};
          expect(held).toBe(pages - freePages);
          if (kept.kind === 'state') {
            expect(held).toBeLessThanOrEqual(5);
            continue;
          }
          const { window } = kept;
          const all = Math.ceil(sequence.cached / pageSize);
          if (window === null) expect(held).toBe(all);
          else expect(held).toBeLessThanOrEqual(windowPages(window, pageSize) + Math.ceil(count / pageSize));
        }
        sequence.trim();
        for (const [group, kept] of model.pool.groups.entries()) {
          if (kept.kind === 'state') continue;
          const { window } = kept;
          const dead = deadPages(sequence.cached, window, pageSize);
          expect(sequence.tables[group]?.held).toBe(Math.ceil(sequence.cached / pageSize) - dead);
          if (window !== null)
            expect(sequence.tables[group]?.held).toBeLessThanOrEqual(windowPages(window, pageSize));
        }
      }
    });

    test('the same with shared prefixes, eviction, preemption and losses', async () => {
      const action = fc.record({
        kind: fc.constantFrom('feed', 'feed', 'feed', 'generate', 'cut', 'preempt', 'lose'),
        who: fc.nat({ max: 3 }),
        amount: fc.integer({ min: 1, max: 24 }),
        at: fc.double({ min: 0, max: 1, noNaN: true }),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(action, { minLength: 20, maxLength: 60 }),
          fc.integer({ min: 20, max: 60 }),
          fc.integer({ min: 18, max: 30 }),
          fc.integer({ min: 4, max: 16 }),
          async (actions, pages, windowed, slots) => {
            const model = await cachedModel(config, { pageSize: 4, pages, windowed, slots });
            const fresh = await cachedModel(config, { pageSize: 4, pages: 64 });
            // Two prefixes, each of two sequences.
            const sequences = [0, 1, 2, 3].map((who) =>
              model.sequence([...someIds(config, 26, who % 2), ...someIds(config, 3 + who, 5 + who)]),
            );
            for (const { kind, who, amount, at } of actions) {
              const sequence = sequences[who] as Sequence;
              if (kind === 'lose') {
                if (at < 0.3) model.backend.lose();
                continue;
              }
              await model.executor.revive();
              if (kind === 'preempt') sequence.release();
              if (kind === 'cut') {
                sequence.cut(Math.max(1, Math.floor(at * sequence.tokens.length)));
                sequence.tokens.push(amount % 2);
              }
              if (kind === 'generate' && sequence.pending === 0 && sequence.tokens.length < 72)
                sequence.tokens.push(amount % 2);
              if (sequence.pending === 0) continue;
              model.prefixes.adopt(sequence);
              const count = Math.min(amount, sequence.pending);
              sequence.trim();
              // As in a plan: others make room.
              for (const other of sequences) {
                if (model.pool.hasRoom(sequence.missing(count))) break;
                if (other !== sequence) other.release();
              }
              const logits = await model.feed(sequence, count);
              const alone = fresh.sequence(sequence.tokens.slice(0, sequence.cached));
              const expected = await fresh.feed(alone, alone.pending);
              alone.release();
              expect([...logits]).toEqual([...expected.subarray(expected.length - logits.length)]);
              model.prefixes.record(sequence);
            }
            for (const sequence of sequences) sequence.release();
            const kept = model.pool.total(({ reclaimable }) => reclaimable);
            expect(model.pool.total(({ freePages }) => freePages) + kept).toBe(
              model.pool.total(({ pages: all }) => all),
            );
            model.prefixes.clear();
            expect(model.prefixes.size).toBe(0);
            expect(model.pool.total(({ freePages }) => freePages)).toBe(
              model.pool.total(({ pages: all }) => all),
            );
          },
        ),
        { numRuns: 12 },
      );
    });
  },
);
