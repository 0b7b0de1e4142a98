// A quantized tensor against its own layout. Readers of files call this once, kernels may then trust every size.
import { toFloat32 } from './convert.js';
import { isDType } from './dtype.js';
import { MoeqError, quote } from './errors.js';
import type { BlockValues, Decode, Layout, Plane, PlaneName, QuantizedTensor } from './layout.js';
import { matrixShape, planeSpecs } from './planes.js';
import { viewAs } from './views.js';

/** Codes of a nested scale have 8 bits. */
const nestedCodes = 256;

type Fail = (expected: string, found: string) => never;

/**
 * Checks shape, layout, planes (names, dtypes, bytes), codebooks (length, finite), scales and offsets (finite), and zero
 * points (below 2^bitsPerCode). Without a layout there are only the shape and the dtypes of planes to check.
 * @param subject names the tensor in messages
 * @throws MoeqError that says what is wrong
 */
export function assertQuantizedTensor(tensor: QuantizedTensor, subject: string): void {
  const fail: Fail = (expected, found) => {
    throw new MoeqError({ operation: `read as ${tensor.format}`, subject, expected, found });
  };
  matrixShape(tensor.shape, subject);
  const { layout, planes } = tensor;
  for (const [name, plane] of Object.entries(planes)) {
    if (!isDType(plane.dtype)) fail(`a known dtype of plane ${quote(name)}`, quote(plane.dtype));
  }
  if (layout === null) return;
  checkLayout(layout, fail);
  const specs = planeSpecs(layout, tensor.shape);
  const largest = new Map<PlaneName, number>();
  for (const { name, dtype, shape, bytes } of specs) {
    const plane = Object.hasOwn(planes, name) ? planes[name] : undefined;
    if (plane === undefined) fail(`plane ${name}`, `planes ${Object.keys(planes).join(', ') || 'none'}`);
    const found = `${plane.dtype} of ${plane.data.byteLength} bytes`;
    if (plane.dtype !== dtype || plane.data.byteLength !== bytes) {
      fail(`plane ${name} ${dtype} [${shape.join(', ')}] of ${bytes} bytes`, found);
    }
    if (dtype !== 'U8') largest.set(name, largestFinite(name, plane, fail));
  }
  const unknown = Object.keys(planes).find((name) => specs.every((spec) => spec.name !== name));
  if (unknown !== undefined) fail(`planes ${specs.map(({ name }) => name).join(', ')} only`, quote(unknown));
  assertWeights(layout, largest, fail);
  const zeroPoint = tensor.planes['zeroPoints']?.data.find((value) => value >= 2 ** layout.bitsPerCode);
  if (zeroPoint !== undefined) fail(`zero points below ${2 ** layout.bitsPerCode}`, `${zeroPoint}`);
}

/**
 * Checks that a layout is one: its fields, and codebooks of the right length and finite.
 * @param subject names it in messages
 * @throws MoeqError that says what is wrong
 */
export function assertLayout(layout: Layout, subject: string): void {
  checkLayout(layout, (expected, found) => {
    throw new MoeqError({ operation: 'read the layout', subject, expected, found });
  });
}

function checkLayout(layout: Layout, fail: Fail): void {
  const { bitsPerCode, order, blockSize, blocks, decode, scale } = layout;
  if (bitsPerCode !== 4 && bitsPerCode !== 8) fail('bitsPerCode 4 or 8', quote(bitsPerCode));
  if (!['highFirst', 'lowFirst', 'splitHalves'].includes(order)) fail('a known order of codes', quote(order));
  if (bitsPerCode === 8 && order !== 'lowFirst') fail('order lowFirst of 8-bit codes', quote(order));
  if (blocks !== 'flat' && blocks !== 'row') fail('blocks flat or row', quote(blocks));
  assertBlockSize('blockSize', blockSize, fail);
  assertDecode(decode, 2 ** bitsPerCode, fail);
  assertBlockValues('scale', scale, fail);
}

function assertDecode(decode: Decode, codes: number, fail: Fail): void {
  if (decode.kind === 'codebook') {
    assertCodebook('codebook', decode.values, codes, fail);
    return;
  }
  if (decode.kind !== 'affine') fail('decode codebook or affine', quote(decode));
  const { zero } = decode;
  switch (zero.kind) {
    case 'signed':
    case 'zeroPoint':
      return;
    case 'constant':
      if (!(Number.isInteger(zero.value) && zero.value >= 0 && zero.value < codes)) {
        fail(`a constant zero from 0 to ${codes - 1}`, quote(zero.value));
      }
      return;
    case 'offset':
      assertBlockValues('offset', zero.offset, fail);
      return;
    default:
      fail('zero signed, constant, zeroPoint or offset', quote(zero));
  }
}

function assertBlockValues(name: string, values: BlockValues, fail: Fail): void {
  if (values.kind === 'plain') {
    const known = ['F32', 'F16', 'BF16', 'F8_E8M0'].includes(values.dtype);
    if (!known) fail(`${name} F32, F16, BF16 or F8_E8M0`, quote(values.dtype));
    if (!Number.isFinite(values.multiplier))
      fail(`a finite multiplier of the ${name}`, `${values.multiplier}`);
    return;
  }
  if (values.kind !== 'nested') fail(`${name} plain or nested`, quote(values));
  if (!['F32', 'F16', 'BF16'].includes(values.dtype))
    fail(`nested ${name} F32, F16 or BF16`, quote(values.dtype));
  assertBlockSize(`nested blockSize of the ${name}`, values.blockSize, fail);
  assertCodebook(`nested codebook of the ${name}`, values.codebook, nestedCodes, fail);
}

function assertBlockSize(name: string, size: number, fail: Fail): void {
  if (!(Number.isSafeInteger(size) && size > 0)) fail(`a ${name} of 1 or more`, quote(size));
}

function assertCodebook(name: string, values: Float32Array, length: number, fail: Fail): void {
  if (values.length !== length) fail(`a ${name} of ${length} values`, `${values.length}`);
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) fail(`a finite ${name}`, `${values[index]} at code ${index}`);
}

/** Words of a dtype without their signs from which on they are infinite or NaN. */
const leastInfinite = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80, F8_E8M0: 0xff } as const;

/** The largest magnitude in a plane of floats; words of floats ascend as their magnitudes do. */
function largestFinite(name: string, { dtype, data }: Plane, fail: Fail): number {
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F8_E8M0') return 0;
  const infinite = leastInfinite[dtype];
  const View = dtype === 'F32' ? Uint32Array : dtype === 'F8_E8M0' ? Uint8Array : Uint16Array;
  const words = viewAs<Uint32Array | Uint16Array | Uint8Array>(View, data);
  const sign = dtype === 'F32' ? 0x7fffffff : dtype === 'F8_E8M0' ? 0xff : 0x7fff;
  let largest = 0;
  for (let i = 0; i < words.length; i++) {
    const magnitude = (words[i] as number) & sign;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest >= infinite) {
    const index = words.findIndex((word: number) => (word & sign) >= infinite);
    fail(`finite numbers in plane ${name}`, `NaN or infinity at ${index}`);
  }
  if (words.length === 0) return 0;
  const word = words.slice(0, 1).fill(largest);
  return toFloat32(new Uint8Array(word.buffer), dtype)[0] as number;
}

const largestFloat32 = 2 ** 128 - 2 ** 104;

/** Finite scales can still give infinite weights: as nested numbers out of range, or times a large codebook. */
function assertWeights(
  { bitsPerCode, decode, scale }: Layout,
  largest: ReadonlyMap<PlaneName, number>,
  fail: Fail,
): void {
  const magnitude = (values: Float32Array) =>
    values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const of = (name: PlaneName) => largest.get(name) ?? 0;
  const scales =
    scale.kind === 'plain'
      ? of('scales') * Math.abs(scale.multiplier)
      : magnitude(scale.codebook) * of('scalesNested') + of('scalesOffset');
  const signed = decode.kind === 'affine' && decode.zero.kind === 'signed' ? 2 ** (bitsPerCode - 1) - 1 : 1;
  const codes = decode.kind === 'codebook' ? magnitude(decode.values) : signed;
  if (Math.max(scales, scales * codes) <= largestFloat32 * (1 + 1e-6)) return;
  fail('weights that float32 holds', `scales of up to ${scales.toPrecision(3)}`);
}
