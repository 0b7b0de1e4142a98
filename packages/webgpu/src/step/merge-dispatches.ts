// Merges dispatches: a multiply that needs nothing of what was issued since an earlier one, as the gate and up of
// a shared expert need nothing of the routed experts, joins that one's dispatch. Launches cost more than their work is
// worth when a token is decoded.
import { mergedHeaderWords } from '../wgsl/merge.js';
import type { Kernels } from './kernels.js';
import type { Command, Operand } from './program.js';
import { Transient } from './program.js';

export interface MergeLimits {
  /** Storage buffers that a shader can bind. */
  readonly bindings: number;
  /** Workgroups of one dimension. */
  readonly workgroups: number;
}

/** The commands in an order that gives the same results, some of them merged. */
export function mergeCommands(
  commands: readonly Command[],
  kernels: Kernels,
  limits: MergeLimits,
): Command[] {
  const merged: Command[] = [];
  for (const command of commands) {
    const at = command.kernel.parts.mergeable === true ? partnerOf(command, merged, limits) : -1;
    if (at < 0) merged.push(command);
    else merged[at] = merge(merged[at] as Command, command, kernels);
  }
  return merged;
}

const isWritten = ({ kernel, operands }: Command, operand: Operand): boolean =>
  operands.some((own, index) => own === operand && kernel.shader.bindings[index] === 'write');

/** Whether `later` has to come after `earlier`: one writes what the other uses. Buffers of weights are never written. */
function depends(later: Command, earlier: Command): boolean {
  const clash = (writer: Command, other: Command): boolean =>
    other.operands.some((operand) => operand !== 'tables' && isWritten(writer, operand));
  return clash(earlier, later) || clash(later, earlier);
}

/**
 * The first earlier command that it can be merged with, so that what needs its result finds a later one free; -1: none behind
 * the last that it depends on.
 */
function partnerOf(command: Command, earlier: readonly Command[], limits: MergeLimits): number {
  let found = -1;
  for (let at = earlier.length - 1; at >= 0; at--) {
    const other = earlier[at] as Command;
    if (depends(command, other)) break;
    if (canMerge(other, command, limits)) found = at;
  }
  return found;
}

function canMerge(first: Command, second: Command, { bindings, workgroups }: MergeLimits): boolean {
  const [a, b] = [first.kernel.parts, second.kernel.parts];
  if (a.mergeable !== true || a.workgroupSize !== b.workgroupSize) return false;
  if (new Set(bindingNumbers(first, second)).size > bindings) return false;
  return sizeOf(first) + sizeOf(second) <= workgroups;
}

const sizeOf = ({ grid: [x, y] }: Command): number => x * y;

/** Equal numbers for bindings of one buffer and type that no shader writes. */
function bindingNumbers(first: Command, second: Command): number[] {
  const seen: { operand: Operand; type: string; access: string }[] = [];
  return [first, second].flatMap(({ kernel, operands }) =>
    operands.map((operand, index) => {
      const { type, access } = kernel.parts.storage[index] as { type: string; access: string };
      const known = seen.findIndex(
        (each) => each.operand === operand && each.type === type && each.access === 'read',
      );
      seen.push({ operand, type, access });
      return access === 'read' && known >= 0 ? known : seen.length - 1;
    }),
  );
}

function merge(first: Command, second: Command, kernels: Kernels): Command {
  const numbers = bindingNumbers(first, second);
  const kernel = kernels.merged(first.kernel, second.kernel, numbers);
  const uniforms = new Uint32Array(mergedHeaderWords + first.uniforms.length + second.uniforms.length);
  uniforms.set([first.grid[0], sizeOf(first), second.grid[0], 0]);
  uniforms.set(first.uniforms, mergedHeaderWords);
  uniforms.set(second.uniforms, mergedHeaderWords + first.uniforms.length);
  const operands = [...first.operands, ...second.operands].filter(
    (_, index) => numbers.indexOf(numbers[index] as number) === index,
  );
  return { kernel, uniforms, operands, grid: [sizeOf(first) + sizeOf(second), 1] };
}

/** Sets for every result the last command that uses it. */
export function findLastUses(commands: readonly Command[]): void {
  commands.forEach(({ operands }, index) => {
    for (const operand of operands) if (operand instanceof Transient) operand.lastUse = index;
  });
}
