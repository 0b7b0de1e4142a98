// Weights in device memory. A group is one buffer: a header with tables, then for every expert the records of its
// matrices; a dense weight is a group of one expert. What does not fit one binding, or has another layout, is another group.
//
// Shapes: E experts, F intermediate, D hidden, N rows, K columns.
import type { MatrixData, MlpData } from '@moeq/kernels';
import { assertSize } from '@moeq/kernels';
import { sliceRows } from '@moeq/tensors';
import type { Memory } from '../device/memory.js';
import { usage } from '../device/memory.js';
import { formatBytes, memoryAdvice, WebGpuError } from '../errors.js';
import type { Values } from '../wgsl/shader.js';
import { matrixWords, maxMatrices } from '../wgsl/shader.js';
import type { weightFields } from '../wgsl/weight.js';
import type { WgslFormats } from './custom.js';
import type { MatrixKind } from './kind.js';
import { planExperts, planRows, planRuns } from './plan.js';
import type { MatrixRecord } from './record.js';
import { align, descriptor, matrixRecord, rowQuantum } from './record.js';
import { gatedShape, stackShape } from './shape.js';

export interface WeightGroup {
  readonly kind: MatrixKind;
  readonly buffer: GPUBuffer;
  readonly uniforms: Values<typeof weightFields>;
  /** maxMatrices descriptors; first tiles are filled in for each kernel. */
  readonly matrices: Uint32Array;
  readonly parts: number;
}

export interface StoredWeight {
  readonly rows: number;
  readonly columns: number;
  readonly bytes: number;
  readonly groups: readonly WeightGroup[];
}

/** Where gate and up lie in one group: matrix and row of row 0 of `up`; gate begins at matrix 0, row 0. */
interface UpPlace {
  readonly matrix: number;
  readonly row: number;
}

export interface ExpertGroup extends WeightGroup {
  /** Not null: this group has gate and up of its experts, and one kernel can run both. */
  readonly up: UpPlace | null;
}

export interface StoredExperts {
  readonly experts: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly bytes: number;
  readonly gateUp: readonly ExpertGroup[];
  readonly down: readonly ExpertGroup[];
}

const weightUsage = usage.storage | usage.copyTarget | usage.copySource;

interface RecordAt extends MatrixRecord {
  /** Row of the whole weight. */
  readonly firstRow: number;
}

/** Records of matrices stacked one below the other, cut where they do not fit a binding. */
function recordsOf(
  parts: readonly MatrixData[],
  formats: WgslFormats,
  subject: string,
  limit: number,
): RecordAt[] {
  let firstRow = 0;
  return parts.flatMap((part) => {
    const whole = matrixRecord(part, formats, subject);
    const ranges = planRows(whole.rows, whole.bytes, rowQuantum(part), limit);
    if (ranges === null) throw tooLarge(subject, whole.bytes, limit);
    const records = ranges.map(({ first, count }) => {
      const record =
        count === whole.rows ? whole : matrixRecord(sliceRows(part, first, count), formats, subject);
      return { ...record, firstRow: firstRow + first };
    });
    firstRow += whole.rows;
    return records;
  });
}

function tooLarge(subject: string, bytes: number, limit: number): WebGpuError {
  return new WebGpuError('limit', {
    operation: 'load',
    subject,
    expected: `rows that can be cut into bindings of ${formatBytes(limit)}`,
    found: `${formatBytes(bytes)} that cannot; ${memoryAdvice}`,
  });
}

/** A buffer being filled with experts. */
class GroupBuilder {
  readonly #memory: Memory;
  readonly #records: readonly RecordAt[];
  readonly #tables: readonly number[];
  readonly #mapAt: number;
  readonly #stride: number;
  readonly #header: number;
  readonly #capacity: number;
  readonly #buffer: GPUBuffer;
  readonly #experts: number[] = [];

  private constructor(
    memory: Memory,
    buffer: GPUBuffer,
    records: readonly RecordAt[],
    plan: GroupPlan,
    capacity: number,
  ) {
    this.#memory = memory;
    this.#records = records;
    this.#buffer = buffer;
    this.#tables = plan.tables;
    this.#mapAt = plan.mapAt;
    this.#header = plan.header;
    this.#stride = plan.stride;
    this.#capacity = capacity;
    records[0]?.tables.forEach((table, index) => {
      if (table !== null)
        memory.device.queue.writeBuffer(buffer, plan.tables[index] as number, new Float32Array(table));
    });
  }

  /** @param experts how many more may come; `total` how many there are */
  static async open(
    memory: Memory,
    records: readonly RecordAt[],
    experts: number,
    total: number,
    subject: string,
  ): Promise<GroupBuilder> {
    const plan = planGroup(records, total);
    const capacity = planExperts(experts, plan.stride, plan.header, memory.largestBinding);
    if (capacity === 0) throw tooLarge(subject, plan.header + plan.stride, memory.largestBinding);
    const bytes = plan.header + capacity * plan.stride;
    const buffer = await memory.guarded(subject, bytes, () => memory.create(subject, bytes, weightUsage));
    return new GroupBuilder(memory, buffer, records, plan, capacity);
  }

  get isFull(): boolean {
    return this.#experts.length === this.#capacity;
  }

  add(expert: number, records: readonly RecordAt[]): void {
    let at = this.#header + this.#experts.length * this.#stride;
    for (const record of records) {
      for (const plane of record.planes) this.#upload(at + plane.at, plane.data);
      at += record.bytes;
    }
    this.#experts.push(expert);
  }

  /** Whole words straight from the plane, the last bytes by a copy. */
  #upload(at: number, data: Uint8Array): void {
    const { queue } = this.#memory.device;
    const whole = data.byteLength - (data.byteLength % 4);
    if (whole > 0) queue.writeBuffer(this.#buffer, at, data as Uint8Array<ArrayBuffer>, 0, whole);
    if (whole < data.byteLength) {
      const rest = new Uint8Array(4);
      rest.set(data.subarray(whole));
      queue.writeBuffer(this.#buffer, at + whole, rest);
    }
  }

  /** Ends the group. Room that stayed empty is given back. */
  close(): WeightGroup {
    const first = this.#experts[0] ?? 0;
    const isRange = this.#experts.every((expert, index) => expert === first + index);
    if (!isRange) {
      const map = new Uint32Array((this.#tables[0] as number) / 4 - this.#mapAt / 4).fill(0xffffffff);
      this.#experts.forEach((expert, place) => {
        map[expert] = place;
      });
      this.#memory.device.queue.writeBuffer(this.#buffer, this.#mapAt, map);
    }
    const buffer = this.#shrink();
    const matrices = new Uint32Array(maxMatrices * matrixWords);
    let base = this.#header;
    this.#records.forEach((record, index) => {
      matrices.set(descriptor(record, record.firstRow, base, this.#stride), index * matrixWords);
      base += record.bytes;
    });
    const [record] = this.#records as readonly [RecordAt];
    const [table = 0, scaleTable = 0, shiftTable = 0] = this.#tables.map((at) => at / 4);
    return {
      kind: record.kind,
      buffer,
      matrices,
      parts: this.#records.length,
      uniforms: {
        ...record.numbers,
        table,
        scaleTable,
        shiftTable,
        parts: this.#records.length,
        firstExpert: isRange ? first : 0,
        experts: isRange ? this.#experts.length : 0,
        expertMap: isRange ? 0 : this.#mapAt / 4,
      },
    };
  }

  #shrink(): GPUBuffer {
    if (this.isFull) return this.#buffer;
    const bytes = this.#header + this.#experts.length * this.#stride;
    const buffer = this.#memory.create(this.#buffer.label, bytes, weightUsage);
    const encoder = this.#memory.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#buffer, 0, buffer, 0, bytes);
    this.#memory.device.queue.submit([encoder.finish()]);
    this.#memory.destroy(this.#buffer);
    return buffer;
  }
}

interface GroupPlan {
  /** Bytes at which the tables begin. */
  readonly tables: readonly number[];
  readonly mapAt: number;
  readonly header: number;
  readonly stride: number;
}

/** Word 0 stays unused, so that 0 can mean that there is no map. */
function planGroup(records: readonly RecordAt[], experts: number): GroupPlan {
  const mapAt = 16;
  let at = mapAt + (experts > 1 ? align(4 * experts) : 0);
  const tables = (records[0]?.tables ?? []).map((table) => {
    const begin = at;
    at += align(table?.byteLength ?? 0);
    return begin;
  });
  return { tables, mapAt, header: at, stride: records.reduce((sum, record) => sum + record.bytes, 0) };
}

/** Header of a group without its tables is at most this. */
const headerRoom = 4096;

/** @throws MoeqError when shapes disagree or a layout cannot be read; WebGpuError when memory is short */
export async function storeWeight(
  memory: Memory,
  formats: WgslFormats,
  parts: readonly MatrixData[],
): Promise<StoredWeight> {
  const subject = 'weight';
  const { rows, columns } = stackShape(parts, subject);
  const limit = memory.largestBinding - headerRoom;
  const groups: WeightGroup[] = [];
  try {
    for (const run of planRuns(recordsOf(parts, formats, subject, limit), maxMatrices, headerRoom, limit)) {
      const builder = await GroupBuilder.open(memory, run, 1, 1, subject);
      builder.add(0, run);
      groups.push(builder.close());
    }
  } catch (error) {
    for (const { buffer } of groups) memory.destroy(buffer);
    throw error;
  }
  return { rows, columns, bytes: bytesOf(groups), groups };
}

function bytesOf(groups: readonly WeightGroup[]): number {
  return groups.reduce((sum, { buffer }) => sum + buffer.size, 0);
}

/** Groups of one projection of all experts, open and closed. */
class ProjectionBuilder {
  readonly #memory: Memory;
  readonly #formats: WgslFormats;
  readonly #total: number;
  readonly #subject: string;
  readonly #open = new Map<string, { builder: GroupBuilder; up: UpPlace | null }>();
  readonly #closed: ExpertGroup[] = [];

  constructor(memory: Memory, formats: WgslFormats, total: number, subject: string) {
    this.#memory = memory;
    this.#formats = formats;
    this.#total = total;
    this.#subject = subject;
  }

  /** @param rowsOfGate F where rows are gate then up; null for `down` */
  async add(expert: number, parts: readonly MatrixData[], rowsOfGate: number | null): Promise<void> {
    const limit = this.#memory.largestBinding - headerRoom - 4 * this.#total;
    const records = recordsOf(parts, this.#formats, `${this.#subject} of expert ${expert}`, limit);
    for (const run of planRuns(records, maxMatrices, headerRoom, limit)) {
      const key = run.map(({ signature, firstRow, rows }) => `${firstRow}+${rows} ${signature}`).join();
      let group = this.#open.get(key);
      if (group?.builder.isFull) {
        this.#close(key, group);
        group = undefined;
      }
      if (group === undefined) {
        const remaining = this.#total - expert;
        const builder = await GroupBuilder.open(this.#memory, run, remaining, this.#total, this.#subject);
        group = { builder, up: upPlace(run, rowsOfGate) };
        this.#open.set(key, group);
      }
      group.builder.add(expert, run);
    }
  }

  #close(key: string, { builder, up }: { builder: GroupBuilder; up: UpPlace | null }): void {
    this.#open.delete(key);
    this.#closed.push({ ...builder.close(), up });
  }

  close(): ExpertGroup[] {
    for (const [key, group] of this.#open) this.#close(key, group);
    return this.#closed;
  }
}

function upPlace(run: readonly RecordAt[], rowsOfGate: number | null): UpPlace | null {
  const [first, second] = run;
  if (rowsOfGate === null || first === undefined || first.firstRow !== 0) return null;
  if (run.length === 1 && first.rows === 2 * rowsOfGate) return { matrix: 0, row: rowsOfGate };
  const isPair = run.length === 2 && first.rows === rowsOfGate && second?.rows === rowsOfGate;
  return isPair ? { matrix: 1, row: 0 } : null;
}

/** @throws MoeqError when shapes disagree or a layout cannot be read; WebGpuError when memory is short */
export async function storeExperts(
  memory: Memory,
  formats: WgslFormats,
  experts: number,
  expert: (index: number) => Promise<MlpData>,
  subject: string,
): Promise<StoredExperts> {
  const gateUp = new ProjectionBuilder(memory, formats, experts, `${subject} gate and up`);
  const down = new ProjectionBuilder(memory, formats, experts, `${subject} down`);
  let shape = { hidden: 0, intermediate: 0 };
  try {
    for (let index = 0; index < experts; index++) {
      const data = await expert(index);
      const own = gatedShape(data, experts === 1 ? subject : `expert ${index}`);
      if (index === 0) shape = own;
      assertSize('load', `expert ${index}: hidden size`, shape.hidden, own.hidden);
      assertSize('load', `expert ${index}: intermediate size`, shape.intermediate, own.intermediate);
      await gateUp.add(index, data.gateUp, own.intermediate);
      await down.add(index, [data.down], null);
    }
  } catch (error) {
    for (const { buffer } of [...gateUp.close(), ...down.close()]) memory.destroy(buffer);
    throw error;
  }
  const groups = { gateUp: gateUp.close(), down: down.close() };
  return { experts, ...shape, ...groups, bytes: bytesOf(groups.gateUp) + bytesOf(groups.down) };
}
