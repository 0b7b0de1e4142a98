// The rules that caches obey, and the segments that go from slot to slot of states.
//
// Shapes: T tokens.
import { MoeqError } from '@moeq/tensors';
import type { KvCacheSpec, StateCacheSpec } from '../resources.js';
import type { StateSegment } from '../step.js';
import { assertSize, mismatch } from './assert.js';

/**
 * @param cache what it is, for the message
 * @throws MoeqError when a size is no positive integer; that of values may be 0
 */
export function assertCacheSpec(cache: string, spec: KvCacheSpec | StateCacheSpec): void {
  for (const [name, size] of Object.entries(spec)) {
    const least = name === 'valueDim' ? 0 : 1;
    if (!Number.isSafeInteger(size) || size < least) {
      throw new MoeqError({
        operation: 'create',
        subject: `${cache}: ${name}`,
        expected: least === 0 ? 'an integer of at least 0' : 'a positive integer',
        found: `${size}`,
      });
    }
  }
}

/**
 * Checks that segments cover the rows of the step, and that no slot is written that another segment, or itself, uses.
 * @param tokens T, rows of the activations
 * @throws MoeqError at the first segment that does not fit
 */
export function assertStateSegments(
  operation: string,
  segments: readonly StateSegment[],
  tokens: number,
  { slots }: StateCacheSpec,
): void {
  const read = new Set(segments.map(({ from }) => from));
  const written = new Set<number>();
  let covered = 0;
  for (const [index, { tokens: own, from, to }] of segments.entries()) {
    const check = (holds: boolean, expected: string, found: string): void => {
      if (!holds) throw mismatch(operation, `segment ${index}`, expected, found);
    };
    const isSlot = (slot: number): boolean => Number.isSafeInteger(slot) && slot >= 0 && slot < slots;
    check(Number.isSafeInteger(own) && own >= 1, 'at least 1 token', `${own}`);
    check(from === -1 || isSlot(from), `a state from a slot up to ${slots - 1}, or -1`, `${from}`);
    check(isSlot(to), `a state to a slot from 0 to ${slots - 1}`, `${to}`);
    check(!read.has(to), 'a state to a slot that no segment reads', `slot ${to}, which one reads`);
    check(!written.has(to), 'a slot of its own for its state', `slot ${to}, which another writes`);
    written.add(to);
    covered += own;
  }
  assertSize(operation, 'tokens of all segments', tokens, covered);
}
