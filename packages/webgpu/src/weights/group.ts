// One buffer of weights: a header with the tables of the layout, then for every expert the records of its matrices. A dense
// weight is a group of one expert.
//
// Shapes: E experts, N rows.
import type { MatrixData } from '@moeq/kernels';
import { formatBytes, sliceRows } from '@moeq/tensors';
import type { Memory } from '../device/memory.js';
import { usage } from '../device/memory.js';
import { WebGpuError } from '../errors.js';
import type { WgslFormats } from '../wgsl/custom-format.js';
import type { MatrixKind } from '../wgsl/matrix-kind.js';
import type { Values } from '../wgsl/shader.js';
import { matrixWords, maxMatrices } from '../wgsl/shader.js';
import type { weightFields } from '../wgsl/weight.js';
import { planExperts, planRows } from './plan.js';
import type { MatrixRecord } from './record.js';
import { align, descriptor, matrixRecord, rowQuantum } from './record.js';

export interface WeightGroup {
  readonly kind: MatrixKind;
  readonly buffer: GPUBuffer;
  readonly uniforms: Values<typeof weightFields>;
  /** maxMatrices descriptors; first tiles are filled in for each kernel. */
  readonly matrices: Uint32Array;
  readonly parts: number;
}

const weightUsage = usage.storage | usage.copyTarget | usage.copySource;

export interface RecordAt extends MatrixRecord {
  /** Row of the whole weight. */
  readonly firstRow: number;
}

/**
 * Records of matrices stacked one below the other, cut where they do not fit a binding.
 * @param bias of all rows
 */
export function recordsOf(
  parts: readonly MatrixData[],
  formats: WgslFormats,
  subject: string,
  limit: number,
  bias?: Float32Array,
): RecordAt[] {
  let firstRow = 0;
  return parts.flatMap((part) => {
    const biasOf = (first: number, count: number) =>
      bias?.subarray(firstRow + first, firstRow + first + count);
    const whole = matrixRecord(part, formats, subject, biasOf(0, part.shape[0] as number));
    const ranges = planRows(whole.rows, whole.bytes, rowQuantum(part), limit);
    if (ranges === null) throw tooLarge(subject, whole.bytes, limit);
    const records = ranges.map(({ first, count }) => {
      const record =
        count === whole.rows
          ? whole
          : matrixRecord(sliceRows(part, first, count), formats, subject, biasOf(first, count));
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
    found: `${formatBytes(bytes)} that cannot`,
  });
}

/** A buffer being filled with experts. */
export class GroupBuilder {
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
export const headerRoom = 4096;
