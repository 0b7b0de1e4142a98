// What architectures share whose layers have one of a few attentions, by their type or the number of their heads: equal ones are
// one object.
import type { AttentionConfig } from '@moeq/runtime';
import { configError } from '../config/config.js';

/**
 * @param file for the message
 * @returns the attention with changes, the same object for the same changes
 */
export function attentionVariants(
  file: string,
): (attention: AttentionConfig, changes: Partial<AttentionConfig>) => AttentionConfig {
  const known = new Map<string, AttentionConfig>();
  return (attention, changes) => {
    const key = JSON.stringify(changes);
    const made = known.get(key) ?? { ...attention, ...changes };
    if (made.heads % made.kvHeads !== 0) {
      const expected = 'the heads of each layer to be a multiple of its key/value heads';
      throw configError(file, expected, `${made.heads} and ${made.kvHeads}`);
    }
    known.set(key, made);
    return made;
  };
}
