// A grammar used without a model: whether it takes a text, and texts drawn from it byte by byte.
import { type Position, Recognizer } from '../recognizer.js';
import type { Grammar } from '../rule.js';

export function accepts(grammar: Grammar, text: string): boolean {
  const recognizer = new Recognizer(grammar);
  let position: Position | null = recognizer.start;
  for (const byte of new TextEncoder().encode(text)) {
    position = position === null ? null : recognizer.step(position, byte);
  }
  return position?.accepting === true;
}

/**
 * @param random uniform in [0, 1)
 * @param hurry after so many bytes those that close strings, lists and objects come first
 * @returns a text that the grammar takes; null where it led to no end within a bound
 */
export function draw(grammar: Grammar, random: () => number, hurry: number): string | null {
  const recognizer = new Recognizer(grammar);
  let position = recognizer.start;
  const bytes: number[] = [];
  while (bytes.length < 4000) {
    if (position.accepting && (position.complete || bytes.length > hurry || random() < 0.3)) {
      return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes));
    }
    const allowed: [number, Position][] = [];
    for (let byte = 0; byte < 256; byte += 1) {
      const next = recognizer.step(position, byte);
      if (next !== null) allowed.push([byte, next]);
    }
    const closing = allowed.filter(([byte]) => [0x22, 0x5d, 0x7d].includes(byte));
    const pool = bytes.length > hurry && closing.length > 0 ? closing : allowed;
    // Half of the time a structural or ASCII byte, so that texts have a shape.
    const ascii = pool.filter(([byte]) => byte > 0x20 && byte < 0x7f);
    const chosen = ascii.length > 0 && random() < 0.7 ? ascii : pool;
    const [byte, next] = chosen[Math.floor(random() * chosen.length)] ?? [0, null];
    if (next === null) return null;
    bytes.push(byte);
    position = next;
  }
  return null;
}
