// A quantized tensor from what bitsandbytes serialized, checked against itself. Code tables are the file's own: builds of
// PyTorch differ in the last bit of some entries of the dynamic map.
import {
  assertQuantizedTensor,
  elementCount,
  type FloatDType,
  float32View,
  type Layout,
  MoeqError,
  type Plane,
  type QuantizedTensor,
  type Tensor,
} from '@moeq/tensors';
import { int8RowMultiplier } from '../int8.js';
import { bytePlane, floatPlane } from '../plane.js';
import { decodeQuantState, type QuantState } from './quant-state.js';

const operation = 'read as bitsandbytes';

/** What a 4-bit weight's name is followed by in the names of its parts. */
const partSuffixes = ['.absmax', '.quant_map', '.nested_absmax', '.nested_quant_map'];
const stateSuffix = /^(.+)\.quant_state\.bitsandbytes__(?:nf4|fp4)$/;
const scbSuffix = /^(.+)\.SCB$/;

/**
 * The quantized weights among tensor names: name of the weight -> names of all its parts, itself first.
 * @param names all names in the checkpoint's files
 */
export function bitsandbytesGroups(names: Iterable<string>): Map<string, string[]> {
  const all = new Set(names);
  const groups = new Map<string, string[]>();
  for (const name of all) {
    const weight = stateSuffix.exec(name)?.[1];
    const module = scbSuffix.exec(name)?.[1];
    if (weight !== undefined) {
      const states = groups.get(weight)?.slice(-1) ?? [];
      const parts = [weight, ...partSuffixes.map((suffix) => weight + suffix), ...states, name];
      groups.set(
        weight,
        parts.filter((part) => all.has(part)),
      );
    } else if (module !== undefined && all.has(`${module}.weight`)) {
      groups.set(
        `${module}.weight`,
        [`${module}.weight`, name, `${module}.weight_format`].filter((part) => all.has(part)),
      );
    }
  }
  return groups;
}

/**
 * The tensor that the entries of one group hold.
 * @param name of the weight, `<module>.weight`
 * @param entries the group's tensors by their full names
 * @param dtype what int8 weights were before, which their files do not say; F16 unless given
 * @throws MoeqError when a part is missing, unknown, of the wrong size, not finite, or contradicts the others
 */
export function fromBitsandbytes(
  name: string,
  entries: Readonly<Record<string, Tensor>>,
  dtype: FloatDType = 'F16',
): QuantizedTensor {
  const parts = new Map(Object.entries(entries));
  const module = name.replace(/\.weight$/, '');
  const scb = parts.get(`${module}.SCB`);
  const tensor = scb === undefined ? fourBit(name, parts) : int8Row(name, module, parts, scb, dtype);
  assertQuantizedTensor(tensor, name);
  return tensor;
}

function fourBit(name: string, parts: Map<string, Tensor>): QuantizedTensor {
  const states = [...parts.keys()].filter((key) => stateSuffix.exec(key)?.[1] === name);
  const [stateKey] = states;
  if (stateKey === undefined || states.length > 1) {
    throw fault(name, 'one .quant_state.bitsandbytes__nf4 or __fp4', `${states.length}`);
  }
  const state = decodeQuantState(take(name, parts, stateKey, 'U8').data, stateKey);
  if (!stateKey.endsWith(`__${state.quantType}`))
    throw fault(stateKey, `quant_type ${stateKey.slice(-3)}`, state.quantType);
  const { nested } = state;
  const weight = take(name, parts, name);
  const matrices = matricesOf(name, state, weight.data.byteLength);
  const scales = take(name, parts, `${name}.absmax`, nested === null ? 'F32' : 'U8');
  const values = table(name, parts, `${name}.quant_map`);
  let planes: Record<string, Plane> = { codes: bytePlane(weight.data), scales: planeOf(scales) };
  let scale: Layout['scale'] = { kind: 'plain', dtype: 'F32', multiplier: 1 };
  if (nested !== null) {
    const codebook = table(name, parts, `${name}.nested_quant_map`);
    scale = { kind: 'nested', codebook, blockSize: nested.blockSize, dtype: 'F32', hasOffset: true };
    planes = {
      ...planes,
      scalesNested: planeOf(take(name, parts, `${name}.nested_absmax`, 'F32')),
      scalesOffset: floatPlane(new Float32Array(matrices).fill(nested.offset)),
    };
  }
  assertAllTaken(name, parts);
  return {
    format: nested === null ? state.quantType : `${state.quantType}-dq`,
    shape: state.shape,
    dtype: state.dtype,
    layout: {
      bitsPerCode: 4,
      order: 'highFirst',
      blockSize: state.blockSize,
      blocks: 'flat',
      decode: { kind: 'codebook', values },
      scale,
    },
    planes,
  };
}

/**
 * Matrices of a tensor whose codes take so many bytes. bitsandbytes quantizes a fused tensor in one run; a layout starts
 * again at each matrix, which is the same or is not.
 * @throws MoeqError where it is not, and for more matrices than the codes can be of
 */
function matricesOf(name: string, { shape, blockSize, nested }: QuantState, bytes: number): number {
  if (shape.length === 2) return 1;
  const block = blockSize * (nested?.blockSize ?? 1);
  const elements = elementCount(shape.slice(1));
  if (elements === 0 || elements % block !== 0)
    throw fault(name, `matrices of a multiple of ${block} elements`, JSON.stringify(shape));
  const matrices = shape[0] as number;
  if (matrices * elements !== 2 * bytes)
    throw fault(name, `${(matrices * elements) / 2} bytes of codes for ${JSON.stringify(shape)}`, `${bytes}`);
  return matrices;
}

function int8Row(
  name: string,
  module: string,
  parts: Map<string, Tensor>,
  scb: Tensor,
  dtype: FloatDType,
): QuantizedTensor {
  const weight = take(name, parts, name, 'I8');
  take(name, parts, `${module}.SCB`, 'F32');
  const format = parts.get(`${module}.weight_format`);
  if (format?.data.some((byte) => byte !== 0)) {
    throw fault(`${module}.weight_format`, '0, the format "row"', `${format.data[0]}`);
  }
  parts.delete(`${module}.weight_format`);
  assertAllTaken(name, parts);
  if (weight.shape.length !== 2) throw fault(name, 'a matrix', `shape ${JSON.stringify(weight.shape)}`);
  return {
    format: 'int8',
    shape: weight.shape,
    dtype,
    layout: {
      bitsPerCode: 8,
      order: 'lowFirst',
      blockSize: Math.max(weight.shape[1] as number, 1),
      blocks: 'row',
      decode: { kind: 'affine', zero: { kind: 'signed' } },
      scale: { kind: 'plain', dtype: 'F32', multiplier: int8RowMultiplier },
    },
    planes: { codes: bytePlane(weight.data), scales: planeOf(scb) },
  };
}

/** Removes a part from those that are left. @throws MoeqError when it is not there or of another dtype */
function take(name: string, parts: Map<string, Tensor>, key: string, dtype?: Tensor['dtype']): Tensor {
  const part = parts.get(key);
  if (part === undefined) throw fault(name, key, 'no such tensor');
  if (dtype !== undefined && part.dtype !== dtype) throw fault(key, dtype, part.dtype);
  parts.delete(key);
  return part;
}

function table(name: string, parts: Map<string, Tensor>, key: string): Float32Array {
  return Float32Array.from(float32View(take(name, parts, key, 'F32').data));
}

function planeOf({ dtype, data }: Tensor): Plane {
  return { dtype, data };
}

function assertAllTaken(name: string, parts: ReadonlyMap<string, Tensor>): void {
  const [extra] = parts.keys();
  if (extra !== undefined) throw fault(name, 'no other parts', extra);
}

function fault(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation, subject, expected, found });
}
