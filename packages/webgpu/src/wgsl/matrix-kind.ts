// What a shader has to know about a matrix before it is assembled: how codes become numbers and where their scales come
// from. Codebooks, sizes and offsets are data that come with the weight, so all matrices of a kind share their pipelines.
//
// Shapes: N rows, K columns, B block.
import type { MatrixData } from '@moeq/kernels';
import type { BlockValues, CodeOrder, FloatDType, Layout, WgslFormat } from '@moeq/tensors';
import { isQuantized, MoeqError } from '@moeq/tensors';
import type { WgslFormats } from './custom-format.js';
import { formatOf } from './custom-format.js';

/** Numbers of blocks: one plane, or 8-bit codes of a table with a factor for every so many blocks. */
export type ValuesKind =
  | { readonly kind: 'plain'; readonly dtype: FloatDType | 'F8_E8M0' }
  | { readonly kind: 'nested'; readonly dtype: FloatDType; readonly offset: boolean };

interface PlainKind {
  readonly kind: 'plain';
  readonly dtype: FloatDType;
  readonly fast: boolean;
}

export interface CodesKind {
  readonly kind: 'codes';
  readonly bits: 4 | 8;
  readonly order: CodeOrder;
  readonly decode: 'codebook' | 'signed' | 'constant' | 'zeroPoint' | 'offset';
  /** What a `constant` zero subtracts; else 0. */
  readonly zero: number;
  readonly scale: ValuesKind;
  /** Zero points (U8) or offsets of blocks. */
  readonly shift: ValuesKind | 'bytes' | null;
  /** `flat`: a block can reach over the end of a row. */
  readonly blocks: 'row' | 'flat';
  readonly fast: boolean;
}

/** A format of one's own, read element by element. */
export interface CustomKind {
  readonly kind: 'custom';
  readonly name: string;
  readonly format: WgslFormat;
  readonly fast: false;
}

/** What can be read by chunks. */
export type ChunkedKind = PlainKind | CodesKind;

/** `fast`: rows are whole chunks of 16 bytes, and every chunk lies in one block. */
export type MatrixKind = ChunkedKind | CustomKind;

/** Elements in 16 bytes. */
export function chunkElements(kind: MatrixKind): number {
  if (kind.kind === 'codes') return 128 / kind.bits;
  return kind.kind === 'plain' && kind.dtype !== 'F32' ? 8 : 4;
}

/** @throws MoeqError when the matrix has no layout and no snippet */
export function matrixKind(data: MatrixData, formats: WgslFormats, subject: string): MatrixKind {
  const columns = data.shape[1] as number;
  if (!isQuantized(data)) {
    const dtype = data.dtype;
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
      throw new MoeqError({ operation: 'load', subject, expected: 'F32, F16 or BF16', found: dtype });
    }
    return { kind: 'plain', dtype, fast: columns % (dtype === 'F32' ? 4 : 8) === 0 };
  }
  if (data.layout === null) {
    return { kind: 'custom', name: data.format, format: formatOf(data, formats, subject), fast: false };
  }
  return layoutKind(data.layout, columns);
}

function layoutKind(
  { bitsPerCode, order, blockSize, blocks, decode, scale }: Layout,
  columns: number,
): CodesKind {
  const chunk = 128 / bitsPerCode;
  const zero = decode.kind === 'affine' ? decode.zero : null;
  const wholeChunks =
    columns % chunk === 0 && (blockSize % chunk === 0 || (blocks === 'row' && blockSize >= columns));
  return {
    kind: 'codes',
    bits: bitsPerCode,
    order,
    decode: zero === null ? 'codebook' : zero.kind,
    zero: zero?.kind === 'constant' ? zero.value : 0,
    scale: valuesKind(scale),
    shift: zero?.kind === 'zeroPoint' ? 'bytes' : zero?.kind === 'offset' ? valuesKind(zero.offset) : null,
    blocks: blocks === 'flat' && columns % blockSize !== 0 ? 'flat' : 'row',
    fast: wholeChunks,
  };
}

function valuesKind(values: BlockValues): ValuesKind {
  return values.kind === 'plain'
    ? { kind: 'plain', dtype: values.dtype }
    : { kind: 'nested', dtype: values.dtype, offset: values.hasOffset };
}

/** A name that is the same for equal kinds, short enough for labels. */
export function kindName(kind: MatrixKind): string {
  const path = kind.fast ? '' : ' any shape';
  if (kind.kind === 'plain') return `${kind.dtype}${path}`;
  if (kind.kind === 'custom') return `custom ${kind.name}`;
  const { bits, order, decode, zero, scale, shift, blocks } = kind;
  const zeroName = decode === 'constant' ? `${zero}` : '';
  const shiftName = shift === null || shift === 'bytes' ? '' : ` ${valuesName(shift)}`;
  return `${decode}${zeroName}${shiftName} ${bits} ${order} ${blocks} ${valuesName(scale)}${path}`;
}

function valuesName(values: ValuesKind): string {
  if (values.kind === 'plain') return values.dtype;
  return `nested${values.dtype}${values.offset ? '+' : ''}`;
}
