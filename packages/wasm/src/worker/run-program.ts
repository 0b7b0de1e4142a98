// Runs a program: one operation after the other, all threads alike, each on its own share.
import type { Machine } from './machine.js';
import { operations } from './operations.js';

/** Two words before the operands: the operation and how many operands it has. */
const header = 2;

/**
 * @param address of the program in this thread's memory, bytes
 * @param length words
 */
export function runProgram(machine: Machine, address: number, length: number): void {
  const { words } = machine;
  const end = address / 4 + length;
  for (let at = address / 4; at < end; ) {
    const operands = at + header;
    operations[words[at] as number]?.(machine, operands);
    at = operands + (words[at + 1] as number);
  }
}
