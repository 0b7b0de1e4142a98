// Groups the assignments of a routing by expert, on the device: count, prefix sum, scatter, in one workgroup. The result is a
// list of tiles of assignments of one expert each, as long as it can get; tiles beyond the last are empty.
//
//   plan = tiles [M] of (expert, first word of its assignments, assignments, 0), then the assignments [S] sorted by expert
//
// Shapes: T tokens, A experts per token, S = T * A assignments, E experts, M = floor(S / tile) + E tiles.
import { lines, makeKernel } from './shader.js';
import { tileTokens } from './tile-stage.js';

const workgroupSize = 256;

/** M: most tiles that so many assignments can need. */
export function planTiles(assignments: number, experts: number): number {
  return Math.floor(assignments / tileTokens) + Math.min(experts, assignments);
}

export function planKernel(experts: number) {
  return makeKernel({
    label: `plan ${experts} experts`,
    fields: { assignments: 'u32', tiles: 'u32' },
    storage: [
      { name: 'routing', access: 'read', type: 'array<u32>' },
      { name: 'plan', access: 'write', type: 'array<u32>' },
    ],
    workgroupSize,
    declarations: [
      `var<workgroup> counts: array<atomic<u32>, ${experts}>;`,
      `var<workgroup> assignmentsBefore: array<u32, ${experts}>;`,
      `var<workgroup> tilesBefore: array<u32, ${experts + 1}>;`,
    ],
    main: lines(
      `for (var e = local; e < ${experts}u; e += ${workgroupSize}u) { atomicStore(&counts[e], 0u); }`,
      'workgroupBarrier();',
      `for (var s = local; s < p.assignments; s += ${workgroupSize}u) { atomicAdd(&counts[routing[s]], 1u); }`,
      'workgroupBarrier();',
      'if (local == 0u) {',
      '  var assignments = 0u;',
      '  var tiles = 0u;',
      `  for (var e = 0u; e < ${experts}u; e += 1u) {`,
      '    assignmentsBefore[e] = assignments;',
      '    tilesBefore[e] = tiles;',
      '    assignments += atomicLoad(&counts[e]);',
      `    tiles += (atomicLoad(&counts[e]) + ${tileTokens - 1}u) / ${tileTokens}u;`,
      '  }',
      `  tilesBefore[${experts}] = tiles;`,
      '}',
      'workgroupBarrier();',
      `for (var e = local; e < ${experts}u; e += ${workgroupSize}u) {`,
      '  let count = atomicLoad(&counts[e]);',
      `  for (var done = 0u; done < count; done += ${tileTokens}u) {`,
      `    let tile = (tilesBefore[e] + done / ${tileTokens}u) * 4u;`,
      '    plan[tile] = e;',
      '    plan[tile + 1u] = p.tiles * 4u + assignmentsBefore[e] + done;',
      `    plan[tile + 2u] = min(count - done, ${tileTokens}u);`,
      '  }',
      '  atomicStore(&counts[e], 0u);',
      '}',
      `for (var t = tilesBefore[${experts}] + local; t < p.tiles; t += ${workgroupSize}u) { plan[t * 4u + 2u] = 0u; }`,
      'workgroupBarrier();',
      `for (var s = local; s < p.assignments; s += ${workgroupSize}u) {`,
      '  let e = routing[s];',
      '  plan[p.tiles * 4u + assignmentsBefore[e] + atomicAdd(&counts[e], 1u)] = s;',
      '}',
    ),
  });
}
