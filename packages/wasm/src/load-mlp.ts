// MLPs and experts in the heaps. Gate and up may come as one fused matrix or as two; kernels see two.
//
// Shapes: D hidden, F intermediate.
import type { MlpData } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import { encodeRecords } from './abi/encode.js';
import { expertRecord } from './abi/records.js';
import { type Intake, loadMatrix } from './load-matrix.js';
import type { LoadedExperts, LoadedMlp } from './loaded.js';
import type { Store } from './store.js';

/** @throws MoeqError when there are more matrices than gate and up, or memory is short */
export function loadMlp(store: Store, data: MlpData, subject = 'mlp'): LoadedMlp {
  const [hidden = 0, intermediate = 0] = data.down.shape;
  const [first, second, ...rest] = data.gateUp;
  const halves = second === undefined || second.shape[0] === intermediate;
  if (first === undefined || rest.length > 0 || !halves) {
    throw new MoeqError({
      operation: 'load',
      subject: `${subject} gateUp`,
      expected: 'one fused matrix, or gate and up',
      found: `matrices of ${data.gateUp.map(({ shape }) => shape[0]).join(' and ')} rows`,
    });
  }
  const gate = loadMatrix(store, first, { range: { first: 0, count: intermediate } });
  const up =
    second === undefined
      ? loadMatrix(store, first, { range: { first: intermediate, count: intermediate } })
      : loadMatrix(store, second);
  const down = loadMatrix(store, data.down);
  return { hidden, intermediate, bytes: gate.bytes + up.bytes + down.bytes, gate, up, down };
}

export function freeMlp(store: Store, { gate, up, down }: LoadedMlp): void {
  for (const { record } of [gate, up, down]) store.free(record);
}

/** Makes one of experts of the same shapes. */
export function joinExperts(store: Store, experts: readonly LoadedMlp[]): LoadedExperts {
  const { hidden = 0, intermediate = 0 } = experts[0] ?? {};
  const upIntakes: Intake[] = [];
  const downIntakes: Intake[] = [];
  const records = experts.map(({ gate, up, down }) => ({
    gate: gate.record,
    gateMode: modeOf(upIntakes, gate.intake),
    up: up.record,
    upMode: modeOf(upIntakes, up.intake),
    down: down.record,
    downMode: modeOf(downIntakes, down.intake),
  }));
  const encoded = encodeRecords(expertRecord, records);
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
