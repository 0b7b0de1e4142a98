// The contract of a quantizer: floats to codes and back. A quantizer is a plain object from a factory of options; there
// is no class to extend and no registry to sign. `@moeq/quantizers/conformance` says whether one keeps the contract.
import type { Encoding, FloatDType, Layout, QuantizedTensor, WgslFormat } from '@moeq/tensors';

/** What is known about the matrix being quantized. */
export interface QuantizeContext {
  /** The tensor's name, for messages. */
  readonly name: string;
  /** The dtype of the weights before they were widened to float32. */
  readonly dtype: FloatDType;
}

export interface Quantizer {
  readonly specificationVersion: 'v1';
  /** The format's name in recipes and checkpoints: lower case letters, digits and hyphens, unique among those in use. */
  readonly name: string;
  /** The options that made this quantizer, JSON; recorded in the checkpoint, for information. */
  readonly options: Readonly<Record<string, unknown>>;
  /** How its tensors of that shape [N, K] are laid out; null when no layout can say it. */
  layout(shape: readonly [rows: number, columns: number]): Layout | null;
  /**
   * Quantizes one matrix. Names, dtypes and sizes of the planes depend on the shape alone, so that files can be laid out
   * before, and every call gives new ones.
   * @param weights Float32 [N, K] row-major, all finite (the caller has checked)
   * @throws an error (MoeqError where @moeq/tensors is installed) when the weights are not N * K or do not suit the format
   */
  quantize(
    weights: Float32Array,
    shape: readonly [rows: number, columns: number],
    context: QuantizeContext,
  ): QuantizedTensor;
  /**
   * Defines the format: Float32 [N, K] from the planes. `decodeTensor` of `@moeq/tensors` is the answer wherever there is
   * a layout.
   * @param out written and returned when given
   */
  dequantize(tensor: QuantizedTensor, out?: Float32Array): Float32Array;
  /**
   * What `quantize` computes, as data, for encoders that have kernels for it and give the same planes, byte for byte. An
   * object with another `quantize` spread over this one has to leave it out: it is tried out before it is used.
   */
  readonly encoding?: Encoding | undefined;
  /**
   * For a format without a layout: how a GPU reads one element, so that it runs as it is. Backends that cannot do that get
   * what `dequantize` makes of it.
   */
  readonly gpu?: WgslFormat;
}
