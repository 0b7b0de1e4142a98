// The weights of a checkpoint whose quantization_config says mxfp4: the experts of gpt-oss as they are published. Each expert is
// read by itself, and its codes and scales run as they are.
import { fromMxfp4, mxfp4Layout, mxfp4Names, mxfp4Parts, mxfp4Shape } from '@moeq/quantizers';
import type { QuantizedWeight, StoredTensor } from '../files/file-set.js';

/** @throws MoeqError for a weight of which a tensor is missing or has another dtype or shape than the form gives it */
export function mxfp4Weights({
  stored,
}: {
  readonly stored: ReadonlyMap<string, StoredTensor>;
}): QuantizedWeight[] {
  return mxfp4Names(stored.keys()).map((name) => {
    const [blocks, scales] = mxfp4Parts(name).map((part) => stored.get(part));
    return {
      name,
      parts: [blocks, scales].filter((part) => part !== undefined),
      format: 'mxfp4',
      shape: mxfp4Shape(name, blocks, scales),
      rows: 'stored',
      isStacked: true,
      layout: () => mxfp4Layout,
      assertShape: () => undefined,
      decode: (tensors) => fromMxfp4(name, tensors),
    };
  });
}
