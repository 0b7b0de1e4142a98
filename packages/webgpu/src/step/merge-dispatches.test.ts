// Which dispatches join which, and that no order between a result and its reader is lost. Kernels are names: no device runs.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fields, Kernel } from '../wgsl/shader.js';
import type { Kernels } from './kernels.js';
import { mergeCommands } from './merge-dispatches.js';
import { type Command, Transient } from './program.js';

type Parts = Kernel<Fields>['parts'];

/** Reads all operands but the last. */
function kernelOf(operands: number, mergeable: boolean): Kernel<Fields> {
  const storage = Array.from({ length: operands }, (_, index) => ({
    ...{ name: `s${index}`, type: 'array<f32>' },
    access: index === operands - 1 ? 'write' : 'read',
  }));
  return {
    parts: { storage, mergeable, workgroupSize: 64 } as unknown as Parts,
    shader: { bindings: storage.map(({ access }) => access) },
  } as unknown as Kernel<Fields>;
}

const command = (reads: readonly Transient[], out: Transient, mergeable = true): Command => ({
  kernel: kernelOf(reads.length + 1, mergeable),
  uniforms: Uint32Array.of(1),
  operands: [...reads, out],
  grid: [3, 1],
});

/** A merged kernel binds the operands of both; those that are written stay so. */
const kernels = {
  merged(first: Kernel<Fields>, second: Kernel<Fields>, numbers: readonly number[]) {
    const all = [first, second].flatMap(({ parts }) => parts.storage);
    const storage = all.filter((_, index) => numbers.indexOf(numbers[index] as number) === index);
    return {
      parts: { storage, mergeable: false, workgroupSize: 64 },
      shader: { bindings: storage.map(({ access }) => access) },
    } as unknown as Kernel<Fields>;
  },
} as unknown as Kernels;

const limits = { bindings: 8, workgroups: 65535 };
const results = (count: number) => Array.from({ length: count }, (_, i) => new Transient(`${i}`, 4));

/** Where each result is written. */
const placesOf = (commands: readonly Command[]) =>
  new Map(
    commands.flatMap(({ kernel, operands }, place) =>
      operands.flatMap((operand, i) =>
        operand instanceof Transient && kernel.shader.bindings[i] === 'write'
          ? [[operand, place] as const]
          : [],
      ),
    ),
  );

describe('merged dispatches', () => {
  test('a multiply joins the first dispatch behind what it needs, so that what needs it finds a later one free', () => {
    const [x, a, b, c, d] = results(5) as [Transient, Transient, Transient, Transient, Transient];
    // b needs a and so stands behind it; c could join either; d needs c
    const merged = mergeCommands(
      [command([x], a), command([a], b), command([x], c), command([c], d)],
      kernels,
      limits,
    );
    const places = placesOf(merged);
    expect([a, b, c, d].map((each) => places.get(each))).toEqual([0, 1, 0, 1]);
    expect(merged.map(({ grid }) => grid)).toEqual([
      [6, 1],
      [6, 1],
    ]);
  });

  test('stay apart beyond the limits of bindings and workgroups, and where a kernel cannot be merged', () => {
    const [x, y, a, b] = results(4) as [Transient, Transient, Transient, Transient];
    const two = [command([x], a), command([y], b)];
    expect(mergeCommands(two, kernels, { ...limits, bindings: 3 })).toHaveLength(2);
    expect(mergeCommands(two, kernels, { ...limits, workgroups: 5 })).toHaveLength(2);
    expect(mergeCommands(two, kernels, { bindings: 4, workgroups: 6 })).toHaveLength(1);
    // what both read is bound once
    expect(
      mergeCommands([command([x], a), command([x], b)], kernels, { ...limits, bindings: 3 }),
    ).toHaveLength(1);
    expect(mergeCommands([command([x], a, false), command([y], b)], kernels, limits)).toHaveLength(2);
    expect(mergeCommands([command([x], a), command([y], b, false)], kernels, limits)).toHaveLength(2);
  });

  test('laws: every result is written once, behind what it is made of, in no more dispatches', () => {
    const program = fc.array(
      fc.record({ reads: fc.array(fc.nat(30), { maxLength: 3 }), can: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 14,
      },
    );
    fc.assert(
      fc.property(program, (operations) => {
        const made = results(1);
        const commands = operations.map(({ reads, can }) => {
          const inputs = reads.map((at) => made[at % made.length] as Transient);
          const out = new Transient('', 4);
          made.push(out);
          return command([...new Set(inputs)], out, can);
        });
        const merged = mergeCommands(commands, kernels, limits);
        expect(merged.length).toBeLessThanOrEqual(commands.length);
        const places = placesOf(merged);
        expect(places.size).toBe(commands.length);
        for (const { operands } of commands) {
          const place = places.get(operands.at(-1) as Transient) as number;
          for (const read of operands.slice(0, -1)) {
            const before = places.get(read as Transient);
            if (before !== undefined) expect(before).toBeLessThan(place);
          }
        }
      }),
    );
  });
});
