// Sums over the lanes of a group. With subgroups the lanes first add up in registers, by butterflies as wide as both the
// group and the subgroup allow; what is left, or everything without subgroups, is added up in workgroup memory.

/** The least subgroup that WGSL knows. */
const leastSubgroup = 4;

/** Lanes that a group has at most. */
export const mostLanes = 32;

/**
 * After `statements`, `total(group, n)` is the sum of the n-th name over the lanes of a group.
 * @param names of f32 variables; `lane` and `local` are in scope, `p.lanes` is a power of two
 */
export function reduction({
  names,
  workgroupSize,
  subgroups,
}: {
  names: readonly string[];
  workgroupSize: number;
  subgroups: boolean;
}): { declarations: string[]; statements: string[] } {
  const places = subgroups ? workgroupSize / leastSubgroup : workgroupSize;
  const steps: number[] = [];
  for (let step = 1; step < mostLanes; step *= 2) steps.push(step);
  const butterflies = steps.flatMap((step) => [
    `if (${step}u < width) {`,
    ...names.map((name) => `  ${name} += subgroupShuffleXor(${name}, ${step}u);`),
    '}',
  ]);
  return {
    declarations: [
      `var<workgroup> partial: array<f32, ${names.length * places}>;`,
      'var<private> perGroup: u32;',
      `fn total(group: u32, n: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < perGroup; i += 1u) { sum += partial[n * ${places}u + group * perGroup + i]; }
  return sum;
}`,
    ],
    statements: [
      `let width = ${subgroups ? 'min(p.lanes, subgroupSize)' : '1u'};`,
      'perGroup = p.lanes / width;',
      ...(subgroups ? butterflies : []),
      'if (lane % width == 0u) {',
      ...names.map((name, n) => `  partial[${n * places}u + local / width] = ${name};`),
      '}',
      'workgroupBarrier();',
    ],
  };
}
