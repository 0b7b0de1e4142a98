// What a route specification may say. Checked once by those who build one from a file and again by `route`, so that a
// wrong configuration is a sentence instead of wrong experts.
import { MoeqError, quote } from '@moeq/tensors';
import type { RouteSpec } from './types.js';

const scores: readonly string[] = [
  'softmax',
  'softmaxAfterTopK',
  'sigmoid',
  'sparseMixer',
] satisfies RouteSpec['score'][];
const ranks: readonly string[] = ['max', 'topTwoSum'] satisfies NonNullable<RouteSpec['groups']>['rank'][];

const specKeys = [
  'experts',
  'expertsPerToken',
  'score',
  'jitter',
  'normalizeTopK',
  'normalizeEpsilon',
  'scalingFactor',
  'groups',
];
const groupKeys = ['count', 'kept', 'rank'];

/**
 * Checks every field of a specification and that its fields agree.
 * @param subject the model or file it came from, for the message
 * @throws MoeqError at the first field that is unknown, out of range, or at odds with another
 */
export function validateRouteSpec(spec: RouteSpec, subject = 'route specification'): void {
  const refuse = (expected: string, found: unknown): never => {
    throw new MoeqError({ operation: 'route', subject, expected, found: quote(found) });
  };
  const check = (holds: boolean, expected: string, found: unknown): void => {
    if (!holds) refuse(expected, found);
  };
  // every step checks the specifications of all its layers: lists are joined only where one is at fault
  const checkOneOf = (value: string, known: readonly string[], what: string): void => {
    if (!known.includes(value)) refuse(`${what} of ${known.join(', ')}`, value);
  };
  const checkKeys = (value: object, known: readonly string[], of: string): void => {
    for (const key of Object.keys(value)) checkOneOf(key, known, of);
  };

  const {
    experts,
    expertsPerToken,
    score,
    jitter,
    normalizeTopK,
    normalizeEpsilon = 0,
    scalingFactor = 1,
    groups,
  } = spec;
  checkKeys(spec, specKeys, 'fields');
  check(isCount(experts), 'experts to be a positive integer', experts);
  check(
    isCount(expertsPerToken) && expertsPerToken <= experts,
    `expertsPerToken from 1 to the ${experts} experts`,
    expertsPerToken,
  );
  checkOneOf(score, scores, 'score to be one');
  check(
    score === 'sparseMixer' ? jitter !== undefined && jitter >= 0 && jitter < Infinity : jitter === undefined,
    score === 'sparseMixer' ? 'jitter of at least 0' : `no jitter for ${score}`,
    jitter,
  );
  check(typeof normalizeTopK === 'boolean', 'normalizeTopK to be true or false', normalizeTopK);
  check(
    Number.isFinite(normalizeEpsilon) && normalizeEpsilon >= 0,
    'normalizeEpsilon of at least 0',
    normalizeEpsilon,
  );
  check(Number.isFinite(scalingFactor), 'a finite scalingFactor', scalingFactor);
  if (groups === undefined) return;

  const { count, kept, rank } = groups;
  checkKeys(groups, groupKeys, 'fields of groups');
  check(isCount(count) && experts % count === 0, `groups.count to divide the ${experts} experts`, count);
  check(isCount(kept) && kept <= count, `groups.kept from 1 to the ${count} groups`, kept);
  checkOneOf(rank, ranks, 'groups.rank to be one');
  const size = experts / count;
  check(rank !== 'topTwoSum' || size >= 2, 'groups of at least 2 experts to sum the top two of', size);
  check(
    kept * size >= expertsPerToken,
    `kept groups with at least the ${expertsPerToken} experts of a token`,
    kept * size,
  );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
