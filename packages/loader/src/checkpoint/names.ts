// From a tensor's name to its place in the decoder. Numbers are taken out of the name and the rest is looked up, so the
// cost does not grow with the number of patterns, and no name is ever matched by a substring.
import { type DecoderConfig, type Slot, slotNames, type TensorPlace, tensorShape } from '@moeq/runtime';
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
 * `model.` may be absent, as in checkpoints that were saved without the class that has the head. A name may belong to several
 * slots, as that of an output has one for each kind of mixer: the one counts that the layer has.
 * @throws MoeqError for a name with several slots that one layer has
 */
export function placeFinder(
  architecture: Architecture,
  decoder: DecoderConfig,
): (name: string) => TensorPlace | null {
  const slotsOf = new Map<string, readonly Slot[]>();
  for (const slot of slotNames) {
    const names = architecture.names[slot] ?? [];
    const bare = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    for (const name of [...names, ...bare]) slotsOf.set(name, [...(slotsOf.get(name) ?? []), slot]);
  }
  const slotAt = (pattern: string, place: Omit<TensorPlace, 'slot'>): Slot | undefined => {
    const slots = slotsOf.get(pattern) ?? [];
    if (slots.length < 2) return slots[0];
    const own = slots.filter((slot) => tensorShape({ slot, ...place }, decoder) !== null);
    if (own.length < 2) return own[0] ?? slots[0];
    throw new MoeqError({
      operation: 'define the architecture',
      subject: architecture.modelTypes.join(', '),
      expected: `one slot of a layer for the name ${pattern}`,
      found: own.join(' and '),
    });
  };
  return (name) => {
    const place: { layer?: number; expert?: number } = {};
    let pattern = name;
    for (const [key, number] of numbers) {
      const match = number.exec(pattern);
      if (match === null) continue;
      place[key] = Number(match[0]);
      pattern = `${pattern.slice(0, match.index)}{${key}}${pattern.slice(match.index + match[0].length)}`;
    }
    const slot = slotAt(pattern, place);
    return slot === undefined ? null : { slot, ...place };
  };
}

/** The first name that the architecture's checkpoints use for a place; its slot where they use none. */
export function tensorName({ names }: Architecture, { slot, layer, expert }: TensorPlace): string {
  const patterns = names[slot] ?? [];
  const fits = patterns.find((name) => name.includes('{expert}') === (expert !== undefined)) ?? patterns[0];
  return (fits ?? slot).replace('{layer}', String(layer)).replace('{expert}', String(expert));
}
