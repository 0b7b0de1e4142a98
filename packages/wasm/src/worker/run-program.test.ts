import { expect, test } from 'vitest';
import { InstructionWriter } from '../abi/encode.js';
import { opcodeNames } from '../abi/instructions.js';
import { noBarrier } from './barrier.js';
import { Machine, Memories } from './machine.js';
import { programRunner } from './run-program.js';

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const machine = new Machine({
  kernels: {} as never,
  thread: 0,
  memories: new Memories([memory]),
  barrier: noBarrier,
});

test('an instruction that no worker knows is an error that names it, and what is before it runs', () => {
  const writer = new InstructionWriter();
  const out = 4096;
  writer.write('input', { out, values: [3, 4] });
  const first = writer.take();
  const program = Int32Array.of(...first, opcodeNames.length, 1, 5);
  new Int32Array(memory.buffer, 64, program.length).set(program);
  expect(() => programRunner(machine)(64, program.length)).toThrow(
    `instruction at word ${first.length}: cannot run a program: expected an opcode from 0 to ${opcodeNames.length - 1}, found ${opcodeNames.length}`,
  );
  expect([...new Float32Array(memory.buffer, out, 2)]).toEqual([3, 4]);
});
