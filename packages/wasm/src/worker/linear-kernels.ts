// The kernels of matrices of codes, by the kernel's number in a matrix record and by the unit of its activations. Found once, when
// the module is instantiated.
import { kernels as numbers } from '../abi/enumerations.js';
import type { KernelExports, OneStream, ThreePlanes, TileKernel, VectorKernel } from '../kernel-exports.js';

/** Of one token, and of several. */
type Pair<X extends number[]> = { readonly vector: VectorKernel<X>; readonly tile: TileKernel<X> };

/** Activations are one stream, or integers, their scales and their sums. */
type CodeKernels = ({ readonly planes: 1 } & Pair<OneStream>) | ({ readonly planes: 3 } & Pair<ThreePlanes>);

type ByUnit = Readonly<Record<number, CodeKernels>>;

export type LinearKernels = Readonly<Record<number, ByUnit>>;

const stream = (vector: VectorKernel<OneStream>, tile: TileKernel<OneStream>): CodeKernels => ({
  ...{ planes: 1, vector, tile },
});

const planes = (vector: VectorKernel<ThreePlanes>, tile: TileKernel<ThreePlanes>): CodeKernels => ({
  ...{ planes: 3, vector, tile },
});

export function linearKernels(of: KernelExports): LinearKernels {
  return {
    [numbers.affine4]: {
      32: stream(of.vectorAffine4x32, of.tileAffine4x32),
      64: stream(of.vectorAffine4x64, of.tileAffine4x64),
    },
    [numbers.codebook4]: {
      32: stream(of.vectorCodebook4x32, of.tileCodebook4x32),
      64: stream(of.vectorCodebook4x64, of.tileCodebook4x64),
    },
    [numbers.signed8]: {
      32: planes(of.vectorSigned8x32, of.tileSigned8x32),
      64: planes(of.vectorSigned8x64, of.tileSigned8x64),
    },
    [numbers.unsigned8]: {
      32: planes(of.vectorUnsigned8x32, of.tileUnsigned8x32),
      64: planes(of.vectorUnsigned8x64, of.tileUnsigned8x64),
    },
  };
}
