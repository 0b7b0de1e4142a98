// A quantized tensor without its data: what config.json says of each.
import type { DType, FloatDType, Layout } from '@moeq/tensors';

export interface MoeqPlane {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface MoeqEntry {
  readonly format: string;
  /** [N, K], or [M, N, K] for fused experts. */
  readonly shape: readonly number[];
  readonly dtype: FloatDType;
  readonly layout: Layout | null;
  /** Planes by name where there is no layout to compute them from; else null. */
  readonly planes: Readonly<Record<string, MoeqPlane>> | null;
}
