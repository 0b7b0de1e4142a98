// Weights in device memory, divided into groups: what does not fit one binding, or has another layout, is another group.
//
// Shapes: E experts, F intermediate, D hidden, N rows, K columns.
import type { MatrixData, MlpData } from '@moeq/kernels';
import type { Memory } from '../device/memory.js';
import type { WgslFormats } from '../wgsl/custom-format.js';
import { maxMatrices } from '../wgsl/shader.js';
import type { RecordAt, WeightGroup } from './group.js';
import { GroupBuilder, headerRoom, recordsOf } from './group.js';
import { planRuns } from './plan.js';

export interface StoredVector {
  /** Float32 */
  readonly buffer: GPUBuffer;
}

export interface StoredWeight {
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
  readonly intermediate: number;
  readonly bytes: number;
  readonly gateUp: readonly ExpertGroup[];
  readonly down: readonly ExpertGroup[];
}

/** @throws MoeqError when a layout or format cannot be read; WebGpuError when memory is short */
export async function storeWeight(
  memory: Memory,
  formats: WgslFormats,
  parts: readonly MatrixData[],
): Promise<StoredWeight> {
  const subject = 'weight';
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
  return { bytes: bytesOf(groups), groups };
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

  /** @param rowsOfGate F where rows are gate then up; null for `down`, and for `up` without a gate */
  async add(
    expert: number,
    parts: readonly MatrixData[],
    bias: Float32Array | undefined,
    rowsOfGate: number | null,
  ): Promise<void> {
    const limit = this.#memory.largestBinding - headerRoom - 4 * this.#total;
    const records = recordsOf(parts, this.#formats, `${this.#subject} of expert ${expert}`, limit, bias);
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

/** @throws MoeqError when a layout or format cannot be read; WebGpuError when memory is short */
export async function storeExperts(
  memory: Memory,
  formats: WgslFormats,
  experts: number,
  expert: (index: number) => Promise<MlpData>,
  subject: string,
): Promise<StoredExperts> {
  const gateUp = new ProjectionBuilder(memory, formats, experts, `${subject} gate and up`);
  const down = new ProjectionBuilder(memory, formats, experts, `${subject} down`);
  let intermediate = 0;
  try {
    for (let index = 0; index < experts; index++) {
      const data = await expert(index);
      intermediate = data.down.shape[1] as number;
      const rows = data.gateUp.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
      await gateUp.add(index, data.gateUp, data.gateUpBias, rows === intermediate ? null : intermediate);
      await down.add(index, [data.down], data.downBias, null);
    }
  } catch (error) {
    for (const { buffer } of [...gateUp.close(), ...down.close()]) memory.destroy(buffer);
    throw error;
  }
  const groups = { gateUp: gateUp.close(), down: down.close() };
  return { experts, intermediate, ...groups, bytes: bytesOf(groups.gateUp) + bytesOf(groups.down) };
}
