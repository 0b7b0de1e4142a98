// Runs programs: one instruction after the other, all threads alike, each on its own share.
import { MoeqError } from '@moeq/tensors';
import { Cursor, viewOf } from '../abi/decode.js';
import { headerWords, instructions, type Opcode, opcodeNames } from '../abi/instructions.js';
import type { Machine } from './machine.js';
import { operations } from './operations.js';

/** The operation of an instruction, to run where the cursor is. */
function bind<Name extends Opcode>(name: Name, machine: Machine, cursor: Cursor): () => void {
  const operation = operations[name];
  const operands = viewOf(instructions[name], cursor);
  return () => operation(machine, operands);
}

/**
 * @param address of the program in this thread's memory, bytes
 * @param length words
 * @throws MoeqError for a number that is no instruction's
 */
type RunProgram = (address: number, length: number) => void;

export function programRunner(machine: Machine): RunProgram {
  const cursor = new Cursor();
  const bound = opcodeNames.map((name) => bind(name, machine, cursor));
  return (address, length) => {
    const { words, floats } = machine;
    cursor.words = words;
    cursor.floats = floats;
    const end = address / 4 + length;
    for (let at = address / 4; at < end; ) {
      const opcode = words[at] as number;
      const run = bound[opcode];
      if (run === undefined) throw unknownOpcode(opcode, at - address / 4);
      cursor.at = at + headerWords;
      run();
      at = cursor.at + (words[at + 1] as number);
    }
  };
}

function unknownOpcode(opcode: number, word: number): MoeqError {
  return new MoeqError({
    operation: 'run a program',
    subject: `instruction at word ${word}`,
    expected: `an opcode from 0 to ${opcodeNames.length - 1}`,
    found: `${opcode}`,
  });
}
