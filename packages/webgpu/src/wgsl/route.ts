// Router logits to experts and weights, on the device; the arithmetic and the order of ties are those of @moeq/router.
// The place of an expert among the best is the number of experts before it, so all E are placed at once, without a sort.
//
// A routing is one buffer: expert indices [T, A], then their weights [T, A] as bits of float32. Logits that are not finite
// set the step's status word.
//
// Shapes: T tokens, E experts, A experts per token.
import type { RouteSpec } from '@moeq/router';
import type { Fields, StorageBinding } from './shader.js';
import { lines, makeKernel } from './shader.js';

export const routeFields = {
  /** Words from the expert indices of a routing to its weights. */
  routingWeights: 'u32',
  normalizeEpsilon: 'f32',
  scalingFactor: 'f32',
} as const satisfies Fields;

/** @param hasScales whether experts have factors on their weights */
export const routeStorage = (hasScales: boolean): readonly StorageBinding[] => [
  { name: 'bias', access: 'read', type: 'array<f32>' },
  ...(hasScales ? [{ name: 'scales', access: 'read', type: 'array<f32>' } as const] : []),
  { name: 'routing', access: 'write', type: 'array<u32>' },
  { name: 'status', access: 'write', type: 'array<atomic<u32>>' },
];

/** Below every score that can be. */
const least = '-3.4e38';

/**
 * Scores below e^-86 are subnormal, which GPUs may flush to zero; the reference keeps their order down to e^-103.97, where
 * float32 ends. Equal scores are distinguished by the exponent within that range.
 */
const subnormal = { from: '-86.0', to: '-103.97' } as const;

const hasExponents = (score: RouteSpec['score'], hasBias: boolean): boolean =>
  (score === 'softmax' || score === 'sigmoid') && !hasBias;

/** What of a specification is part of the shader; the rest are uniforms. */
export function routeName(spec: RouteSpec, hasBias: boolean, hasScales: boolean): string {
  const { experts, expertsPerToken, score, jitter, normalizeTopK, groups } = spec;
  const groupName =
    groups === undefined ? '' : `, ${groups.kept} of ${groups.count} groups by ${groups.rank}`;
  return `${expertsPerToken} of ${experts} ${score}${jitter === undefined ? '' : ` ${jitter}`}${normalizeTopK ? ' normalized' : ''}${hasBias ? ' biased' : ''}${hasScales ? ' scaled' : ''}${groupName}`;
}

export function routeDeclarations(
  { experts, expertsPerToken, groups, score }: RouteSpec,
  hasBias: boolean,
): string[] {
  return [
    ...(hasExponents(score, hasBias) ? [`var<workgroup> exponents: array<f32, ${experts}>;`] : []),
    `var<workgroup> scores: array<f32, ${experts}>;`,
    `var<workgroup> choices: array<f32, ${experts}>;`,
    `var<workgroup> best: array<u32, ${expertsPerToken}>;`,
    ...(groups === undefined ? [] : [`var<workgroup> ranks: array<f32, ${groups.count}>;`]),
  ];
}

/** Statements that route the token whose logits are in `scores`; `token` and `local` are in scope. */
export function routeStatements(
  spec: RouteSpec,
  hasBias: boolean,
  hasScales: boolean,
  workgroupSize: number,
): string[] {
  const { experts, expertsPerToken, score } = spec;
  const own = (body: readonly string[]): string[] => [
    `for (var e = local; e < ${experts}u; e += ${workgroupSize}u) {`,
    ...body.map((line) => `  ${line}`),
    '}',
  ];
  const all = (what: string): string => `for (var i = 0u; i < ${experts}u; i += 1u) { ${what} }`;
  const biased = hasBias ? ' + bias[e]' : '';
  const tie = hasExponents(score, hasBias)
    ? '(exponents[i] > exponents[e] || (exponents[i] == exponents[e] && i < e))'
    : 'i < e';
  return [
    ...own(['if ((bitcast<u32>(scores[e]) & 0x7f800000u) == 0x7f800000u) { atomicStore(&status[0], 1u); }']),
    `if (local < ${expertsPerToken}u) { best[local] = 0u; }`,
    ...scoreStatements(score, own, all, hasExponents(score, hasBias)),
    ...own([`choices[e] = scores[e]${biased};`]),
    'workgroupBarrier();',
    ...groupStatements(spec, workgroupSize),
    ...own([
      'let mine = choices[e];',
      'var before = 0u;',
      all(`let other = choices[i]; before += u32(other > mine || (other == mine && ${tie}));`),
      `if (before < ${expertsPerToken}u) { best[before] = e; }`,
    ]),
    'workgroupBarrier();',
    `if (local < ${expertsPerToken}u) {`,
    ...weightStatements(spec).map((line) => `  ${line}`),
    `  routing[token * ${expertsPerToken}u + local] = best[local];`,
    `  routing[p.routingWeights + token * ${expertsPerToken}u + local] = bitcast<u32>(weight * p.scalingFactor${hasScales ? ' * scales[best[local]]' : ''});`,
    '}',
  ];
}

type Own = (body: readonly string[]) => string[];

function scoreStatements(
  score: RouteSpec['score'],
  own: Own,
  all: (what: string) => string,
  exponents: boolean,
): string[] {
  if (score === 'softmaxAfterTopK' || score === 'sparseMixer') return [];
  const keep = (exponent: string): string[] =>
    exponents
      ? [`exponents[e] = select(0.0, max(${exponent}, ${subnormal.to}), ${exponent} < ${subnormal.from});`]
      : [];
  if (score === 'sigmoid') {
    return own([...keep('scores[e]'), 'scores[e] = 1.0 / (1.0 + exp(min(-scores[e], 87.0)));']);
  }
  return [
    `var highest = ${least};`,
    all('highest = max(highest, scores[i]);'),
    'workgroupBarrier();',
    ...own([...keep('(scores[e] - highest)'), 'scores[e] = exp(scores[e] - highest);']),
    'workgroupBarrier();',
    'var sum = 0.0;',
    all('sum += scores[i];'),
    'workgroupBarrier();',
    ...own(['scores[e] = scores[e] / sum;']),
  ];
}

function groupStatements({ groups, experts }: RouteSpec, workgroupSize: number): string[] {
  if (groups === undefined || groups.kept === groups.count) return [];
  const { count, kept, rank } = groups;
  const size = experts / count;
  return [
    `for (var g = local; g < ${count}u; g += ${workgroupSize}u) {`,
    `  var first = ${least};`,
    `  var second = ${least};`,
    `  for (var i = g * ${size}u; i < (g + 1u) * ${size}u; i += 1u) {`,
    '    second = max(second, min(first, choices[i]));',
    '    first = max(first, choices[i]);',
    '  }',
    `  ranks[g] = first${rank === 'topTwoSum' ? ' + second' : ''};`,
    '}',
    'workgroupBarrier();',
    `for (var e = local; e < ${experts}u; e += ${workgroupSize}u) {`,
    `  let g = e / ${size}u;`,
    '  var before = 0u;',
    `  for (var i = 0u; i < ${count}u; i += 1u) { before += u32(ranks[i] > ranks[g] || (ranks[i] == ranks[g] && i < g)); }`,
    `  if (before >= ${kept}u) { choices[e] = ${least}; }`,
    '}',
    'workgroupBarrier();',
  ];
}

/** As a literal. */
const float = (value: number): string => (Number.isInteger(value) ? `${value}.0` : `${value}`);

/** `weight` of the expert at place `local`. */
function weightStatements(spec: RouteSpec): string[] {
  const { score, normalizeTopK, experts, expertsPerToken, jitter = 0 } = spec;
  const sumOf = (value: string): string =>
    `for (var i = 0u; i < ${expertsPerToken}u; i += 1u) { total += ${value}; }`;
  if (score === 'softmaxAfterTopK') {
    return [
      `var highest = ${least};`,
      `for (var i = 0u; i < ${expertsPerToken}u; i += 1u) { highest = max(highest, scores[best[i]]); }`,
      'var total = 0.0;',
      sumOf('exp(scores[best[i]] - highest)'),
      'let weight = exp(scores[best[local]] - highest) / total;',
    ];
  }
  if (score === 'sparseMixer') {
    return [
      'let own = scores[best[local]];',
      'var total = 0.0;',
      `for (var e = 0u; e < ${experts}u; e += 1u) {`,
      `  var counts = !(own - scores[e] > ${float(2 * jitter)} * max(abs(scores[e]), own));`,
      '  for (var i = 0u; i < local; i += 1u) { counts = counts && best[i] != e; }',
      '  if (counts) { total += exp(scores[e] - own); }',
      '}',
      'let weight = 1.0 / total;',
    ];
  }
  if (!normalizeTopK) return ['let weight = scores[best[local]];'];
  return [
    'var total = p.normalizeEpsilon;',
    sumOf('scores[best[i]]'),
    'let weight = select(scores[best[local]], scores[best[local]] / total, total > 0.0);',
  ];
}

/** Invocations for so many experts. */
function routeWorkgroup(experts: number): number {
  return experts <= 64 ? 64 : experts <= 128 ? 128 : 256;
}

/** Routes T tokens by logits [T, E], a workgroup each. */
export function routeKernel(spec: RouteSpec, hasBias: boolean, hasScales: boolean) {
  const workgroupSize = routeWorkgroup(spec.experts);
  return makeKernel({
    label: `route ${routeName(spec, hasBias, hasScales)}`,
    fields: routeFields,
    storage: [{ name: 'logits', access: 'read', type: 'array<f32>' }, ...routeStorage(hasScales)],
    workgroupSize,
    declarations: routeDeclarations(spec, hasBias),
    main: lines(
      'let token = workgroup.x;',
      `for (var e = local; e < ${spec.experts}u; e += ${workgroupSize}u) { scores[e] = logits[token * ${spec.experts}u + e]; }`,
      'workgroupBarrier();',
      ...routeStatements(spec, hasBias, hasScales, workgroupSize),
    ),
  });
}
