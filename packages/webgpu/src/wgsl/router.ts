// A router in one dispatch, for few tokens: norm, logits and choice of experts. One workgroup a token; the logits never
// leave its memory. A router is small (128 experts of 2048 columns in bfloat16 are half a megabyte), so a launch saved is
// worth more than the workgroups that could have shared its reading.
//
// Shapes: T tokens, E experts, A experts per token, D hidden.
import type { RouteSpec } from '@moeq/router';
import { dotLoop } from './dot.js';
import type { MatrixKind } from './matrix-kind.js';
import { kindName } from './matrix-kind.js';
import { reduction } from './reduce.js';
import { routeDeclarations, routeFields, routeName, routeStatements, routeStorage } from './route.js';
import type { Kernel } from './shader.js';
import { lines, makeKernel } from './shader.js';
import { fillTable, tableSize, weightFields, weightFunctions, weightStorage } from './weight.js';

export interface RouterOptions {
  readonly kind: MatrixKind;
  readonly spec: RouteSpec;
  readonly hasBias: boolean;
  readonly hasScales: boolean;
  readonly normed: boolean;
  readonly subgroups: boolean;
}

export const routerFields = {
  ...weightFields,
  ...routeFields,
  lanes: 'u32',
  /** T */
  tokens: 'u32',
  epsilon: 'f32',
} as const;

const workgroupSize = 256;
const rowsPerGroup = 4;

/** Bytes of a router's weights up to which one workgroup reads them in the time of a launch. */
export const mostRouterBytes = 2 ** 20;

export function routerKernel(options: RouterOptions): Kernel<typeof routerFields> {
  const { kind, spec, hasBias, hasScales, normed, subgroups } = options;
  const dots = dotLoop({ kind, use: 'dense', sets: 1, rows: rowsPerGroup, tokens: 1, normed });
  const { declarations, statements } = reduction({ names: dots.accumulators, workgroupSize, subgroups });
  const activations = kind.fast ? 'array<vec4<f32>>' : 'array<f32>';
  const root = `inverseSqrt(total(g, ${rowsPerGroup}u) / f32(p.columns) + p.epsilon)`;
  return makeKernel({
    label: `router${normed ? ' normed' : ''}, ${routeName(spec, hasBias, hasScales)}, ${kindName(kind)}${subgroups ? ', subgroups' : ''}`,
    fields: routerFields,
    matrices: true,
    storage: [
      ...weightStorage,
      { name: 'x', access: 'read', type: activations },
      ...(normed ? [{ name: 'norm', access: 'read', type: activations } as const] : []),
      ...routeStorage(hasScales),
    ],
    workgroupSize,
    subgroups,
    declarations: [...weightFunctions(kind), ...declarations, ...routeDeclarations(spec, hasBias)],
    main: lines(
      'let token = workgroup.x;',
      'let firstToken = workgroup.x;',
      'let lane = local % p.lanes;',
      'let group = local / p.lanes;',
      `let perRound = ${workgroupSize * rowsPerGroup}u / p.lanes;`,
      'let m = 0u;',
      'let rows = p.matrices[0].rows;',
      'let record = recordOf(0u, 0u);',
      ...fillTable(kind, workgroupSize),
      ...(tableSize(kind) > 0 ? ['workgroupBarrier();'] : []),
      'for (var firstOfRound = 0u; firstOfRound < rows; firstOfRound += perRound) {',
      `  let firstRow = firstOfRound + group * ${rowsPerGroup}u;`,
      ...[...dots.statements, ...statements].map((line) => `  ${line}`),
      `  for (var i = local; i < perRound; i += ${workgroupSize}u) {`,
      `    let g = i / ${rowsPerGroup}u;`,
      `    if (firstOfRound + i < rows) { scores[firstOfRound + i] = total(g, i % ${rowsPerGroup}u)${normed ? ` * ${root}` : ''}; }`,
      '  }',
      '  workgroupBarrier();',
      '}',
      ...routeStatements(spec, hasBias, hasScales, workgroupSize),
    ),
  });
}
