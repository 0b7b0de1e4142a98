// Values of GGUF metadata, typed as the file types them: what is written again is what was read.

/** Numbers of the `gguf_type` of each kind of value. */
export const valueIds = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

export type GgufNumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64';

export type GgufScalar =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: 'u64' | 'i64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string };

/** Arrays hold values of one type, and no arrays: ggml reads no others. */
export type GgufArray =
  | { readonly type: 'array'; readonly of: GgufNumberType; readonly value: ArrayLike<number> }
  | { readonly type: 'array'; readonly of: 'u64' | 'i64'; readonly value: readonly bigint[] }
  | { readonly type: 'array'; readonly of: 'bool'; readonly value: readonly boolean[] }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] };

export type GgufValue = GgufScalar | GgufArray;

/** By key, in the order of the file. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

type ScalarType = Exclude<keyof typeof valueIds, 'array'>;

/** Bytes of a value; of a string at least, its length. */
export const valueBytes: Readonly<Record<ScalarType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  bool: 1,
  string: 8,
  u64: 8,
  i64: 8,
  f64: 8,
};

const byId = new Map(
  Object.entries(valueIds).map(([name, id]) => [id as number, name as keyof typeof valueIds]),
);

/** Null for a number that stands for no type. */
export function valueTypeOfId(id: number): keyof typeof valueIds | null {
  return byId.get(id) ?? null;
}

/** Reads one number of a type. */
export const numberReaders: Readonly<Record<GgufNumberType, (view: DataView, at: number) => number>> = {
  u8: (view, at) => view.getUint8(at),
  i8: (view, at) => view.getInt8(at),
  u16: (view, at) => view.getUint16(at, true),
  i16: (view, at) => view.getInt16(at, true),
  u32: (view, at) => view.getUint32(at, true),
  i32: (view, at) => view.getInt32(at, true),
  f32: (view, at) => view.getFloat32(at, true),
  f64: (view, at) => view.getFloat64(at, true),
};

/** Writes one number of a type. */
export const numberWriters: Readonly<
  Record<GgufNumberType, (view: DataView, at: number, value: number) => void>
> = {
  u8: (view, at, value) => view.setUint8(at, value),
  i8: (view, at, value) => view.setInt8(at, value),
  u16: (view, at, value) => view.setUint16(at, value, true),
  i16: (view, at, value) => view.setInt16(at, value, true),
  u32: (view, at, value) => view.setUint32(at, value, true),
  i32: (view, at, value) => view.setInt32(at, value, true),
  f32: (view, at, value) => view.setFloat32(at, value, true),
  f64: (view, at, value) => view.setFloat64(at, value, true),
};
