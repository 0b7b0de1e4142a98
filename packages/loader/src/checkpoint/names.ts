// From a tensor's name to its place in the decoder. Numbers are taken out of the name and the rest is looked up, so the
// cost does not grow with the number of patterns, and no name is ever matched by a substring.
import { type Slot, slotNames, type TensorPlace } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';
import type { Architecture } from '../config/architecture.js';

/** Six digits: more layers or experts than any limit lets through, and still an exact integer. */
const numbers: readonly [key: 'layer' | 'expert', pattern: RegExp][] = [
  ['layer', /(?<=(?:^|\.)(?:layers|blocks)\.)(?:0|[1-9]\d{0,5})(?=\.|$)/],
  ['expert', /(?<=(?:^|\.)experts\.)(?:0|[1-9]\d{0,5})(?=\.|$)/],
];

/** What stands before all names but the head's; checkpoints of the model without its head leave it out. */
const prefix = 'model.';

/**
 * A function from tensor names to places; it answers null for a name that the architecture does not know. The prefix
 * `model.` may be absent, as in checkpoints that were saved without the class that has the head.
 */
export function placeFinder(architecture: Architecture): (name: string) => TensorPlace | null {
  const slotOf = new Map<string, Slot>();
  for (const slot of slotNames) {
    const names = architecture.names[slot] ?? [];
    const bare = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    for (const name of [...names, ...bare]) {
      const other = slotOf.get(name);
      if (other !== undefined) {
        throw new MoeqError({
          operation: 'define the architecture',
          subject: architecture.modelTypes.join(', '),
          expected: `one slot for the name ${name}`,
          found: `${other} and ${slot}`,
        });
      }
      slotOf.set(name, slot);
    }
  }
  return (name) => {
    const place: { layer?: number; expert?: number } = {};
    let pattern = name;
    for (const [key, number] of numbers) {
      const match = number.exec(pattern);
      if (match === null) continue;
      place[key] = Number(match[0]);
      pattern = `${pattern.slice(0, match.index)}{${key}}${pattern.slice(match.index + match[0].length)}`;
    }
    const slot = slotOf.get(pattern);
    return slot === undefined ? null : { slot, ...place };
  };
}

/** The first name that the architecture's checkpoints use for a place; its slot where they use none. */
export function tensorName({ names }: Architecture, { slot, layer, expert }: TensorPlace): string {
  const patterns = names[slot] ?? [];
  const fits = patterns.find((name) => name.includes('{expert}') === (expert !== undefined)) ?? patterns[0];
  return (fits ?? slot).replace('{layer}', String(layer)).replace('{expert}', String(expert));
}
