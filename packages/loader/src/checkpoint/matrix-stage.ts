// What happens to a matrix between the files and the runtime: a format that no layout describes is decoded by its own
// quantizer, and a recipe quantizes while loading, as transformers does for a BitsAndBytesConfig. Nothing is written, and
// what became of every byte is counted.
//
// Shapes: N rows, K columns.
import type { MatrixData } from '@moeq/kernels';
import {
  assertDecodes,
  assertDecodesPlanes,
  checkedQuantize,
  dequantize,
  encodeWith,
  type Quantizer,
  type Recipe,
  type Role,
  resolve,
} from '@moeq/quantizers';
import {
  assertFinite,
  byteLength,
  type FloatDType,
  isQuantized,
  type MatrixEncoder,
  MoeqError,
  type QuantizedTensor,
  type Tensor,
  toFloat32,
} from '@moeq/tensors';
import type { CheckpointTensor } from './checkpoint.js';

/** What became of the matrices of one tensor that were read so far. */
export interface LoadedTensor {
  readonly name: string;
  readonly role: Role;
  /** A dtype or a format: in the files, and as the runtime got it. */
  readonly stored: string;
  readonly loaded: string;
  readonly bytes: { readonly stored: number; readonly loaded: number };
}

export interface LoadReport {
  /** Name of the recipe; null: weights as they are stored. */
  readonly recipe: string | null;
  /** In the order in which they were first read. */
  readonly tensors: readonly LoadedTensor[];
  /** Sentences for people, each once: what ran otherwise than stored or asked for. */
  readonly notices: readonly string[];
}

export interface MatrixStage {
  /**
   * @param matrix [N, K], of the tensor as a whole or of one expert
   * @throws MoeqError for a format that no quantizer reads, a weight that is not finite, or one that is quantized already
   *   and not as the recipe wants
   */
  apply(matrix: Tensor | QuantizedTensor, tensor: CheckpointTensor, expert?: number): Promise<MatrixData>;
  report(): LoadReport;
}

export interface StageOptions {
  /** The user's own. */
  readonly quantizers: readonly Quantizer[];
  /** What the report's notices begin with. */
  readonly notices: readonly string[];
  /** Kernels to quantize with, where there are any. */
  readonly encoder: MatrixEncoder | undefined;
  /** Whether a format without a layout passes as it is; none does unless given. */
  readonly runsFormat: ((format: string) => boolean) | undefined;
}

/** @param recipe null: matrices pass as they are stored */
export function matrixStage(recipe: Recipe | null, options: StageOptions): MatrixStage {
  const { quantizers, encoder, runsFormat = () => false } = options;
  const loaded = new Map<CheckpointTensor, LoadedTensor>();
  const notices = new Set(options.notices);

  const decode = (matrix: QuantizedTensor, name: string): Tensor => {
    const floats = dequantize(matrix, quantizers, name);
    notices.add(`no layout describes ${matrix.format} to the kernels, so its tensors are decoded to float32`);
    const data = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
    return { dtype: 'F32', shape: matrix.shape, data };
  };

  return {
    async apply(matrix, tensor, expert) {
      const { name } = tensor.facts;
      const part = expert === undefined || tensor.facts.expert !== undefined ? name : `${name}[${expert}]`;
      const quantizer = (recipe === null ? null : resolve(recipe, tensor.facts)) ?? 'keep';
      const { role } = tensor.facts;
      const { stored } = tensor;
      // its place in the report is that of the first that is asked for, whichever is quantized first
      const before = loaded.get(tensor) ?? {
        name,
        role,
        stored,
        loaded: stored,
        bytes: { stored: 0, loaded: 0 },
      };
      loaded.set(tensor, before);
      const staged =
        quantizer === 'keep' ? matrix : await quantize(matrix, quantizer, part, { encoder, runsFormat });
      const passes = !isQuantized(staged) || staged.layout !== null || runsFormat(staged.format);
      const result = passes ? staged : decode(staged, part);
      const { bytes } = loaded.get(tensor) ?? before;
      loaded.set(tensor, {
        ...before,
        loaded: isQuantized(result) ? result.format : result.dtype,
        bytes: { stored: bytes.stored + bytesOf(matrix), loaded: bytes.loaded + bytesOf(result) },
      });
      return result;
    },
    report: () => ({ recipe: recipe?.name ?? null, tensors: [...loaded.values()], notices: [...notices] }),
  };
}

async function quantize(
  matrix: Tensor | QuantizedTensor,
  quantizer: Quantizer,
  name: string,
  { encoder, runsFormat }: { encoder: MatrixEncoder | undefined; runsFormat: (format: string) => boolean },
): Promise<QuantizedTensor> {
  if (isQuantized(matrix)) {
    if (matrix.format === quantizer.name) return matrix;
    throw new MoeqError({
      operation: 'quantize while loading',
      subject: name,
      expected: `plain weights to make ${quantizer.name} of`,
      found: `weights in ${matrix.format} already`,
    });
  }
  const [rows = 0, columns = 0] = matrix.shape;
  const { data } = matrix;
  const dtype = matrix.dtype as FloatDType;
  if (encoder !== undefined) {
    const read = async (offset: number, length: number) => data.subarray(offset, offset + length);
    const encoded = await encodeWith(encoder, quantizer, { dtype, shape: [rows, columns], read });
    if (encoded !== null) return encoded.tensor;
  }
  const weights = toFloat32(data, dtype);
  assertFinite(weights, { operation: 'quantize', subject: name, shape: [rows, columns] });
  const tensor = checkedQuantize(quantizer, weights, [rows, columns], { name, dtype });
  assertDecodesPlanes(quantizer, tensor, () => toFloat32(data, dtype), { name, dtype });
  if (tensor.layout !== null || runsFormat(tensor.format)) assertDecodes(quantizer, tensor, name);
  return tensor;
}

function bytesOf(matrix: Tensor | QuantizedTensor): number {
  if (!isQuantized(matrix)) return byteLength(matrix.dtype, matrix.shape);
  return Object.values(matrix.planes).reduce((sum, plane) => sum + plane.data.byteLength, 0);
}
