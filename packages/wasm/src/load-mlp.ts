// MLPs and experts in the heaps. Gate and up may come as one fused matrix or as two; kernels see two, or up alone.
//
// Shapes: D hidden, F intermediate.
import type { MlpData } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import { recordEncoder } from './abi/encode.js';
import { expertRecord } from './abi/records.js';
import { type Intake, loadMatrix } from './load-matrix.js';
import type { LoadedBiases, LoadedExperts, LoadedMlp } from './loaded.js';
import type { Store } from './store.js';

/** @throws MoeqError when there are more matrices than gate and up, or memory is short */
export function loadMlp(store: Store, data: MlpData, subject = 'mlp'): LoadedMlp {
  const [hidden = 0, intermediate = 0] = data.down.shape;
  const [first, second, ...rest] = data.gateUp;
  const isUpAlone = second === undefined && first?.shape[0] === intermediate;
  const halves = second === undefined || second.shape[0] === intermediate;
  if (first === undefined || rest.length > 0 || !halves) {
    throw new MoeqError({
      operation: 'load',
      subject: `${subject} gateUp`,
      expected: 'one fused matrix, or gate and up',
      found: `matrices of ${data.gateUp.map(({ shape }) => shape[0]).join(' and ')} rows`,
    });
  }
  const half = (index: number) => ({ range: { first: index * intermediate, count: intermediate } });
  const gate = isUpAlone ? null : loadMatrix(store, first, half(0));
  const up =
    second === undefined ? loadMatrix(store, first, half(isUpAlone ? 0 : 1)) : loadMatrix(store, second);
  const down = loadMatrix(store, data.down);
  const biases = loadBiases(store, data, isUpAlone ? 0 : intermediate);
  const floats = (data.gateUpBias?.length ?? 0) + (data.downBias?.length ?? 0);
  const bytes = (gate?.bytes ?? 0) + up.bytes + down.bytes + 4 * floats;
  return { hidden, intermediate, bytes, gate, up, down, biases };
}

/** @param gates how many of the first biases are those of the gate */
function loadBiases(store: Store, { gateUpBias, downBias }: MlpData, gates: number): LoadedBiases {
  const inner = gateUpBias?.length ?? 0;
  const values = new Float32Array(inner + (downBias?.length ?? 0));
  if (values.length === 0) return { address: 0, gate: 0, up: 0, down: 0 };
  values.set(gateUpBias ?? []);
  values.set(downBias ?? [], inner);
  const address = store.allocate(values.byteLength, 'biases');
  store.writeAll(address, new Uint8Array(values.buffer));
  return {
    address,
    gate: inner > 0 && gates > 0 ? address : 0,
    up: inner > 0 ? address + 4 * gates : 0,
    down: downBias === undefined ? 0 : address + 4 * inner,
  };
}

export function freeMlp(store: Store, { gate, up, down, biases }: LoadedMlp): void {
  for (const matrix of [gate, up, down]) if (matrix !== null) store.free(matrix.record);
  if (biases.address !== 0) store.free(biases.address);
}

const encodeExperts = recordEncoder(expertRecord);

/** Makes one of experts of the same shapes. */
export function joinExperts(store: Store, experts: readonly LoadedMlp[]): LoadedExperts {
  const { hidden = 0, intermediate = 0 } = experts[0] ?? {};
  const upIntakes: Intake[] = [];
  const downIntakes: Intake[] = [];
  const records = experts.map(({ gate, up, down, biases }) => ({
    gate: gate?.record ?? 0,
    gateMode: gate === null ? 0 : modeOf(upIntakes, gate.intake),
    gateBias: biases.gate,
    up: up.record,
    upMode: modeOf(upIntakes, up.intake),
    upBias: biases.up,
    down: down.record,
    downMode: modeOf(downIntakes, down.intake),
    downBias: biases.down,
  }));
  const encoded = encodeExperts(records);
  const table = store.allocate(encoded.byteLength, 'experts');
  store.writeAll(table, encoded);
  const bytes = experts.reduce((sum, expert) => sum + expert.bytes, 0);
  return { hidden, intermediate, bytes, experts, table, upIntakes, downIntakes };
}

/** Index of an intake in a list, to which it is added where it is new. */
function modeOf(intakes: Intake[], intake: Intake): number {
  const { form, unit, order } = intake;
  const known = intakes.findIndex((each) => each.form === form && each.unit === unit && each.order === order);
  return known >= 0 ? known : intakes.push(intake) - 1;
}
