// All that src/abi and assembly/ have in common, for check-abi.ts.
import {
  activations,
  blockKinds,
  dtypes,
  gateKinds,
  kernels,
  orders,
  scaleOrders,
  tileWords,
  zeros,
} from '../src/abi/enumerations.js';
import type { Enumeration, Fields } from '../src/abi/fields.js';
import { flushed, least, leastAbsmax } from '../src/abi/quantize.js';
import { blocksRecord, cacheRecord, matrixRecord, rowsRecord } from '../src/abi/records.js';
import {
  attentionScratchBytes,
  interleavedRows,
  rowsScratchBytes,
  scalesStride,
  scratchBytes,
  tokenBytes,
} from '../src/abi/sizes.js';

/** A file of assembly/, and what it exports. */
export type InAssembly = `${string}:${string}`;

export interface Abi {
  /** Namespaces of numbers. */
  readonly enumerations: Readonly<Record<InAssembly, Enumeration>>;
  /** Classes of fields of 4 bytes. */
  readonly records: Readonly<Record<InAssembly, Fields>>;
  readonly constants: Readonly<Record<InAssembly, number>>;
  /** Functions of whole numbers, and arguments for which to compare them. */
  readonly sizes: Readonly<
    Record<
      InAssembly,
      {
        of(...args: readonly number[]): number;
        readonly args: readonly (readonly number[])[];
      }
    >
  >;
}

const widths = [32, 64, 96, 128, 320, 2048, 14336];

/** Columns and units that fit them. */
const byUnit = widths.flatMap((columns) =>
  [32, 64].filter((unit) => columns % unit === 0).map((unit) => [columns, unit]),
);

export const abi: Abi = {
  enumerations: {
    'matrix:Kernel': kernels,
    'matrix:BlockKind': blockKinds,
    'matrix:ScaleOrder': scaleOrders,
    'matrix:Zero': zeros,
    'quantize-activations:Order': orders,
    'elementwise:Activation': activations,
    'elementwise:Gate': gateKinds,
    'attention:Tile': tileWords,
    'quantize/widen:DType': dtypes,
  },
  records: {
    'matrix:Matrix': matrixRecord,
    'matrix:Blocks': blocksRecord,
    'attention:Cache': cacheRecord,
    'latent:Rows': rowsRecord,
  },
  constants: {
    'nibbles:interleavedRows': interleavedRows,
    'quantize/codebook4:leastAbsmax': leastAbsmax,
    'quantize/scale:least': least,
    'quantize/scale:flushed': flushed,
  },
  sizes: {
    'matrix:scratchBytes': {
      of: (columns = 0) => scratchBytes(columns),
      args: [...widths, 1, 33, 1000].map((columns) => [columns]),
    },
    'quantize-activations:bytesStride': {
      of: (columns = 0, unit = 0) => tokenBytes('bytes', columns, unit),
      args: byUnit,
    },
    'quantize-activations:scalesStride': {
      of: (columns = 0, unit = 0) => scalesStride(columns, unit),
      args: byUnit,
    },
    'activation-pairs:pairsStride': {
      of: (columns = 0, unit = 0) => tokenBytes('pairs', columns, unit),
      args: byUnit,
    },
    'latent:rowsScratchBytes': {
      of: (valueDim = 0, positions = 0) => rowsScratchBytes(valueDim, positions),
      args: [
        [512, 4096],
        [20, 1],
        [7, 15],
      ],
    },
    'attention:attentionScratchBytes': {
      of: (headDim = 0, valueDim = 0, positions = 0) => attentionScratchBytes(headDim, valueDim, positions),
      args: [
        [128, 128, 16],
        [20, 24, 4096],
        [1, 8, 8],
      ],
    },
  },
};
