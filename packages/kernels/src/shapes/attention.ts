// The rules that attention's shapes and its segments obey.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '../resources.js';
import type { AttentionSpec, QueryFactor, Segment } from '../step.js';
import { assertSize, mismatch } from './assert.js';

/** Columns of attention: of prepared queries, of keys and values as they are kept, and of its output. */
export interface AttentionWidths {
  readonly queries: number;
  readonly keys: number;
  readonly values: number;
  readonly output: number;
}

/**
 * How wide queries [H C], keys [HK C], values [HK CV] and output [H CV] are.
 * @throws MoeqError when the specification does not fit the cache or contradicts itself
 */
export function attentionWidths(spec: AttentionSpec, cache: KvCacheSpec): AttentionWidths {
  const { heads, kvHeads, headDim, rope, queryNorm, keyNorm, window, sinks, gate } = spec;
  assertSize('attend', 'key/value heads', cache.kvHeads, kvHeads);
  assertSize('attend', 'head dimension', cache.headDim, headDim);
  const check = (subject: string, holds: boolean, expected: string, found: number): void => {
    if (!holds) throw mismatch('attend', subject, expected, `${found}`);
  };
  check('heads', heads > 0 && heads % kvHeads === 0, `a multiple of the ${kvHeads} key/value heads`, heads);
  check('dimensions of values', cache.valueDim !== 0, 'a cache that holds values', 0);
  check(
    'window',
    window === undefined || (Number.isSafeInteger(window) && window > 0),
    'a positive integer',
    window ?? 0,
  );
  if (rope !== null) {
    const rotated = 2 * rope.inverseFrequencies.length;
    check('rotated dimensions', rotated <= headDim, `at most the head dimension ${headDim}`, rotated);
  }
  const widths = {
    queries: heads * headDim,
    keys: kvHeads * headDim,
    values: kvHeads * (cache.valueDim ?? headDim),
    output: heads * (cache.valueDim ?? headDim),
  };
  if (queryNorm !== undefined) {
    const width = queryNorm.over === 'head' ? headDim : widths.queries;
    assertSize('attend', 'query norm weights', width, queryNorm.weight.length);
  }
  if (keyNorm !== undefined) {
    const width = keyNorm.over === 'head' ? headDim : widths.keys;
    assertSize('attend', 'key norm weights', width, keyNorm.weight.length);
  }
  if (spec.normsTurned === true && (queryNorm?.over === 'all' || keyNorm?.over === 'all'))
    throw mismatch('attend', 'norms after the rotation', 'those over each head', 'all');
  check('chunks', spec.chunked !== true || window !== undefined, 'a window', 0);
  assertQueryFactor(spec.queryFactor);
  if (spec.keysAsValues === true)
    assertSize('attend', 'dimensions of values that are keys', headDim, cache.valueDim ?? headDim);
  if (spec.keysInCache === true && (keyNorm ?? spec.valueNorm) !== undefined)
    throw mismatch('attend', 'norms', 'none of keys and values that are in the cache', 'some');
  if (sinks !== undefined) assertSize('attend', 'sinks', heads, sinks.length);
  if (gate?.placed === 'withQueries' && queryNorm?.over === 'all')
    throw mismatch('attend', 'query norm', 'one over each head, as gates stand between the queries', 'all');
  return widths;
}

/** @throws MoeqError where it cannot be computed for every position */
export function assertQueryFactor(factor: QueryFactor | undefined): void {
  if (factor === undefined) return;
  const { slope, every, offset } = factor;
  if (!Number.isFinite(slope)) throw mismatch('attend', 'slope of queries', 'a number', `${slope}`);
  if (!(every > 0))
    throw mismatch('attend', 'positions of a step of queries', 'a number above 0', `${every}`);
  if (!(offset >= 0)) throw mismatch('attend', 'offset of queries', 'a number from 0', `${offset}`);
}

/**
 * Checks that segments cover the rows of the step and stay within the cache.
 * @param tokens T, rows of the activations
 * @param rope how the segments turn where they do not say themselves
 * @param window tokens that one sees; pages before those of the first may be -1
 * @throws MoeqError at the first segment that does not
 */
export function assertSegments(
  segments: readonly Segment[],
  tokens: number,
  { pageSize, pages }: KvCacheSpec,
  { rope, window }: Pick<AttentionSpec, 'rope' | 'window'>,
): void {
  let covered = 0;
  segments.forEach((segment, index) => {
    const subject = `segment ${index}`;
    const fail = (expected: string, found: string): never => {
      throw mismatch('attend', subject, expected, found);
    };
    if (!Number.isSafeInteger(segment.start) || segment.start < 0)
      fail('a start of at least 0', `${segment.start}`);
    if (!Number.isSafeInteger(segment.tokens) || segment.tokens < 1)
      fail('at least 1 token', `${segment.tokens}`);
    const pairs = rope?.inverseFrequencies.length ?? 0;
    const own = segment.inverseFrequencies?.length ?? pairs;
    if (own !== pairs) fail(`${pairs} inverse frequencies`, `${own}`);
    const needed = Math.ceil((segment.start + segment.tokens) / pageSize);
    if (segment.pages.length < needed) fail(`${needed} pages`, `${segment.pages.length}`);
    const unseen = unseenPages(segment.start, window, pageSize);
    const wrong = segment.pages.find((page, at) => page >= pages || page < (at < unseen ? -1 : 0));
    if (wrong !== undefined) fail(`pages from 0 to ${pages - 1} (-1 before the window)`, `${wrong}`);
    covered += segment.tokens;
  });
  assertSize('attend', 'tokens of all segments', tokens, covered);
}

/**
 * Pages that lie wholly before the first position that a token at `position` sees: they need not be there any more.
 * @param window tokens that a token sees, itself among them; undefined: all
 */
export function unseenPages(position: number, window: number | undefined, pageSize: number): number {
  return window === undefined ? 0 : Math.floor(Math.max(0, position + 1 - window) / pageSize);
}
