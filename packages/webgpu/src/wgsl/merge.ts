// Two kernels that do not depend on each other in one dispatch: the first workgroups run one, the rest the other. It is the
// text of both; what the second declares is renamed where it is used, and bindings of the same buffer become one.
import type { Fields, Kernel, StorageBinding } from './shader.js';
import { enableSubgroups, mainParameters, matrixStruct, paramsStruct, storageBindings } from './shader.js';

/** Words before the uniforms of the first: its grid's width, its workgroups, the width of the second's grid, 0. */
export const mergedHeaderWords = 4;

/**
 * @param bindings for each binding of the first, then of the second: which of all bindings it is; numbers that repeat are
 *   one buffer that both read
 */
export function mergeKernels(
  first: Kernel<Fields>,
  second: Kernel<Fields>,
  bindings: readonly number[],
): Kernel<Fields> {
  const all = [...first.parts.storage, ...second.parts.storage];
  const isOwn = (index: number): boolean => bindings.indexOf(bindings[index] as number) === index;
  const name = (index: number): string => {
    const { name: own } = all[index] as StorageBinding;
    return index < first.parts.storage.length ? own : `${own}${suffix}`;
  };
  /** Names of the bindings of one kernel, to those of the bindings that they are. */
  const bindingNames = ({ parts }: Kernel<Fields>, from: number): [string, string][] =>
    parts.storage.map(({ name: own }, i) => [own, name(bindings.indexOf(bindings[from + i] as number))]);
  const namesOfFirst = new Map(bindingNames(first, 0));
  const namesOfSecond = new Map([
    ...declaredNames(second).map((own): [string, string] => [own, `${own}${suffix}`]),
    ...bindingNames(second, first.parts.storage.length),
  ]);
  const storage = all
    .map((binding, index) => ({ ...binding, name: name(index) }))
    .filter((_, index) => isOwn(index));
  const ofFirst = (text: string): string => rename(text.replaceAll(/\bp\./g, 'p.first.'), namesOfFirst);
  const ofSecond = (text: string): string => rename(text.replaceAll(/\bp\./g, 'p.second.'), namesOfSecond);
  const subgroups = first.parts.subgroups === true || second.parts.subgroups === true;
  const label = `${first.shader.label} and ${second.shader.label}`;
  const parameters = mainParameters(subgroups);
  const code = [
    ...(subgroups ? enableSubgroups : []),
    matrixStruct,
    paramsStruct(first.parts, 'First'),
    paramsStruct(second.parts, 'Second'),
    'struct Params {\n  grids: vec4<u32>,\n  @align(16) first: First,\n  @align(16) second: Second,\n}',
    '@group(0) @binding(0) var<uniform> p: Params;',
    ...storageBindings(storage),
    ...first.parts.declarations.map(ofFirst),
    `fn mainFirst(${parameters.plain}) {\n${ofFirst(first.parts.main)}\n}`,
    ...second.parts.declarations.map(ofSecond),
    `fn mainSecond(${parameters.plain}) {\n${ofSecond(second.parts.main)}\n}`,
    `@compute @workgroup_size(${first.parts.workgroupSize})`,
    `fn main(\n${parameters.builtin}\n) {`,
    '  let index = workgroup.x;',
    '  if (index < p.grids.y) {',
    `    mainFirst(vec3<u32>(index % p.grids.x, index / p.grids.x, 0u), ${parameters.passed});`,
    '  } else {',
    '    let rest = index - p.grids.y;',
    `    mainSecond(vec3<u32>(rest % p.grids.z, rest / p.grids.z, 0u), ${parameters.passed});`,
    '  }',
    '}',
    '',
  ].join('\n');
  const shader = { label, code, bindings: storage.map(({ access }) => access) };
  return { ...first, parts: { ...first.parts, label, storage, subgroups, mergeable: false }, shader };
}

const suffix = 'Second';

/** Everything that a kernel declares at module scope, but its bindings. */
function declaredNames({ parts }: Kernel<Fields>): string[] {
  const text = parts.declarations.join('\n');
  return Array.from(
    text.matchAll(/\b(?:fn|struct)\s+(\w+)|\bvar<[^>]+>\s+(\w+)/g),
    ([, a, b]) => (a ?? b) as string,
  );
}

/** Members, which follow a dot, keep their names. */
function rename(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(/(?<![.\w])[a-zA-Z_]\w*/g, (word) => names.get(word) ?? word);
}
