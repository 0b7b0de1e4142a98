// What a checkpoint is made of, from its configuration and the headers of its files: no weight is read.
import type { Checkpoint } from '@moeq/loader';
import type { Role } from '@moeq/quantizers';
import { layerMoe } from '@moeq/runtime';
import { elementCount, isDType } from '@moeq/tensors';

export interface CheckpointSummary {
  readonly architecture: string;
  readonly parameters: number;
  /**
   * Weights that one token is multiplied with: of the routed experts the chosen ones; of the embedding table, of which a
   * token reads one row, none, unless it is the head as well; of what stands beside the decoder none.
   */
  readonly activeParameters: number;
  readonly layers: number;
  /** Of the largest MoE layer; zeros for a model without one. */
  readonly experts: { readonly routed: number; readonly perToken: number; readonly shared: number };
  /** In the files: all planes, code tables and descriptions. */
  readonly bytes: { readonly total: number; readonly byRole: Readonly<Partial<Record<Role, number>>> };
  /** 8 * bytes / parameters */
  readonly bitsPerWeight: {
    readonly total: number;
    readonly byRole: Readonly<Partial<Record<Role, number>>>;
  };
  readonly tensors: readonly TensorSummary[];
}

export type TensorSummary = {
  readonly name: string;
  readonly role: Role;
  readonly shape: readonly number[];
  readonly bytes: number;
} & (StoredPlain | StoredQuantized);

interface StoredPlain {
  readonly dtype: string;
}

interface StoredQuantized {
  readonly format: string;
}

/** The document of `moeq inspect --json`. */
export function describeCheckpoint({ decoder, tensors }: Checkpoint): CheckpointSummary {
  const parameters = new Map<Role, number>();
  const bytes = new Map<Role, number>();
  let active = 0;
  for (const { facts, slot, bytes: size } of tensors) {
    const count = elementCount(facts.shape);
    parameters.set(facts.role, (parameters.get(facts.role) ?? 0) + count);
    bytes.set(facts.role, (bytes.get(facts.role) ?? 0) + size);
    const layer = facts.layer === undefined ? undefined : decoder.layers[facts.layer];
    const moe = layer === undefined ? null : layerMoe(layer);
    if (facts.role === 'expert' && moe !== null)
      active += (count * moe.route.expertsPerToken) / moe.route.experts;
    // of other tables, as of inputs of layers, a token reads rows
    else if (facts.role === 'embedding') active += decoder.tiedHead && slot === 'embedding' ? count : 0;
    else if (facts.role !== 'other') active += count;
  }
  const sum = (counts: ReadonlyMap<Role, number>) =>
    [...counts.values()].reduce((total, count) => total + count, 0);
  const total = { parameters: sum(parameters), bytes: sum(bytes) };
  const bits = (size: number, count: number) => (count === 0 ? 0 : (8 * size) / count);
  const bitsByRole = [...bytes].map(([role, size]) => [role, bits(size, parameters.get(role) ?? 0)] as const);
  return {
    architecture: decoder.architecture,
    parameters: total.parameters,
    activeParameters: Math.round(active),
    layers: decoder.layers.length,
    experts: expertCounts(decoder),
    bytes: { total: total.bytes, byRole: Object.fromEntries(bytes) },
    bitsPerWeight: { total: bits(total.bytes, total.parameters), byRole: Object.fromEntries(bitsByRole) },
    tensors: tensors.map(({ facts: { name, role, shape }, stored, bytes: size }) => {
      const kind = isDType(stored) ? { dtype: stored } : { format: stored };
      return { name, role, ...kind, shape, bytes: size };
    }),
  };
}

function expertCounts({ layers }: Checkpoint['decoder']): CheckpointSummary['experts'] {
  let counts = { routed: 0, perToken: 0, shared: 0 };
  for (const moe of layers.map(layerMoe)) {
    if (moe === null || moe.route.experts < counts.routed) continue;
    const { experts: routed, expertsPerToken: perToken } = moe.route;
    counts = { routed, perToken, shared: moe.shared === null ? 0 : 1 };
  }
  return counts;
}
