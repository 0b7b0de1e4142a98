// Which tensor goes into which file, and where. All of it is known before the first byte is written: sizes that are not
// known yet have a bound, lie behind everything else in their file, and only shorten it when they turn out smaller.
import { byteLength, type DType } from '../dtype.js';
import { MoeqError, quote } from '../errors.js';
import {
  assertTensorFacts,
  byAlignment,
  encodeSafetensorsHeader,
  type PlacedTensor,
} from '../safetensors-encode.js';

/** A tensor that will be written. */
export type PlannedTensor = {
  readonly name: string;
  /** Neighbours in the plan of the same group come into the same file, however large it gets. */
  readonly group?: string;
} & (
  | { readonly dtype: DType; readonly shape: readonly number[] }
  /** U8 [n], where n is known when it is written and is at most this. */
  | { readonly maxBytes: number }
);

export interface PlannedShard {
  readonly file: string;
  /** Bytes before the data: room for the longest header that the shard can have. */
  readonly headerBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the file; a tensor of open size has its bound as shape. */
  readonly tensors: readonly (PlacedTensor & { readonly openSize: boolean })[];
}

interface Sized {
  readonly name: string;
  readonly group: string | undefined;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly openSize: boolean;
  readonly bytes: number;
}

/**
 * Files of at most `maxShardBytes` of tensors each, filled in the order of the plan; a group or tensor larger than that
 * has one of its own.
 * @throws MoeqError when a name comes twice or a shape is none
 */
export function planShards(
  tensors: readonly PlannedTensor[],
  metadata: Readonly<Record<string, string>>,
  maxShardBytes: number,
): PlannedShard[] {
  const shards: Sized[][] = [];
  let room = 0;
  for (const group of groups(tensors.map(sized))) {
    const bytes = group.reduce((sum, tensor) => sum + tensor.bytes, 0);
    const last = shards.at(-1);
    if (last === undefined || bytes > room) {
      shards.push([...group]);
      room = maxShardBytes - bytes;
    } else {
      last.push(...group);
      room -= bytes;
    }
  }
  assertUnique(tensors);
  if (shards.length === 0) shards.push([]);
  return shards.map((shard, index) => place(shardName(index, shards.length), shard, metadata));
}

function sized(tensor: PlannedTensor): Sized {
  const openSize = 'maxBytes' in tensor;
  const dtype = openSize ? 'U8' : tensor.dtype;
  const shape = openSize ? [tensor.maxBytes] : tensor.shape;
  assertTensorFacts('checkpoint', tensor.name, dtype, shape);
  return { name: tensor.name, group: tensor.group, dtype, shape, openSize, bytes: byteLength(dtype, shape) };
}

function* groups(tensors: readonly Sized[]): Generator<Sized[]> {
  let current: Sized[] = [];
  for (const tensor of tensors) {
    const belongs = tensor.group !== undefined && tensor.group === current[0]?.group;
    if (current.length > 0 && !belongs) {
      yield current;
      current = [];
    }
    current.push(tensor);
  }
  if (current.length > 0) yield current;
}

function assertUnique(tensors: readonly PlannedTensor[]): void {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) {
      throw new MoeqError({
        operation: 'write',
        subject: 'checkpoint',
        expected: 'each tensor once',
        found: `${quote(name)} twice`,
      });
    }
    names.add(name);
  }
}

/** As transformers names them. */
function shardName(index: number, count: number): string {
  if (count === 1) return 'model.safetensors';
  const digits = (value: number) => `${value}`.padStart(5, '0');
  return `model-${digits(index + 1)}-of-${digits(count)}.safetensors`;
}

function place(
  file: string,
  shard: readonly Sized[],
  metadata: Readonly<Record<string, string>>,
): PlannedShard {
  let end = 0;
  const tensors = [...shard]
    .sort((a, b) => Number(a.openSize) - Number(b.openSize) || byAlignment(a, b))
    .map(({ name, dtype, shape, openSize, bytes }) => {
      const begin = end;
      end += bytes;
      return { name, dtype, shape, openSize, begin, end };
    });
  return { file, tensors, metadata, headerBytes: encodeSafetensorsHeader(file, tensors, metadata).length };
}
