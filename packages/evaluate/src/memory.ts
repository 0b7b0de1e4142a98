// What a model's weights take, by role, from the headers of its files and from what was done to them while loading. What
// stands beside the decoder is not loaded.
import type { OpenedModel } from '@moeq/loader';
import type { Role } from '@moeq/quantizers';
import { layerMoe } from '@moeq/runtime';
import { elementCount } from '@moeq/tensors';

export interface RoleMemory {
  readonly role: Role;
  readonly parameters: number;
  /** Of the weights as they run: as stored, or as a recipe made them while loading. */
  readonly bytes: number;
}

/** @param source whose weights have been read; those that were not count as they are stored */
export function roleMemory(source: OpenedModel): RoleMemory[] {
  const memory = new Map<Role, { parameters: number; bytes: number }>();
  for (const { facts, bytes } of loadedTensors(source)) {
    const before = memory.get(facts.role) ?? { parameters: 0, bytes: 0 };
    memory.set(facts.role, {
      parameters: before.parameters + elementCount(facts.shape),
      bytes: before.bytes + bytes,
    });
  }
  return [...memory].map(([role, { parameters, bytes }]) => ({ role, parameters, bytes }));
}

/**
 * Bytes of weights that decoding one token reads: of the routed experts the chosen ones, of tables of embeddings one row
 * (all of the one that is the head too), everything else whole.
 * @param source whose weights have been read
 */
export function weightBytesPerToken(source: OpenedModel): number {
  const { layers, tiedHead } = source.config;
  let total = 0;
  for (const { facts, slot, bytes } of loadedTensors(source)) {
    const layer = facts.layer === undefined ? undefined : layers[facts.layer];
    const moe = layer === undefined ? null : layerMoe(layer);
    if (facts.role === 'expert' && moe !== null)
      total += (bytes * moe.route.expertsPerToken) / moe.route.experts;
    else if (facts.role === 'embedding')
      total += bytes / (facts.shape[0] ?? 1) + (tiedHead && slot === 'embedding' ? bytes : 0);
    else total += bytes;
  }
  return Math.round(total);
}

function loadedTensors(source: OpenedModel) {
  const loaded = new Map(source.report().tensors.map((tensor) => [tensor.name, tensor.bytes]));
  const own = source.checkpoint.tensors.filter(({ facts }) => facts.role !== 'other');
  return own.map(({ facts, slot, bytes }) => {
    const read = loaded.get(facts.name);
    // A tensor that was read twice counts twice in the report, and with the same ratio.
    return {
      facts,
      slot,
      bytes: read === undefined || read.stored === 0 ? bytes : (bytes * read.loaded) / read.stored,
    };
  });
}
