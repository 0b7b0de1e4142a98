// Blocks whose codes or scales are bit fields, or whose codes have other widths than the planes hold: what unpacks them.
import type { PlaneName } from '../layout.js';

/** The planes of a tensor, whole; empty where its layout has none. */
export type BlockPlanes = Readonly<
  Record<Exclude<PlaneName, 'zeroPoints' | 'scalesOffset' | 'offsetsOffset'>, Uint8Array>
>;

/**
 * Unpacks one block into the planes.
 * @param data blocks
 * @param at bytes from the start of `data` to the block
 * @param index of the block, which says where its codes and scales go
 */
export type Unpack = (data: Uint8Array, at: number, planes: BlockPlanes, index: number) => void;

/** Copies `bytes` bytes, few of them, to the place that block `index` has in a plane of as many bytes a block. */
export function copyBytes(
  data: Uint8Array,
  from: number,
  bytes: number,
  plane: Uint8Array,
  index: number,
): void {
  for (let i = 0; i < bytes; i++) plane[index * bytes + i] = data[from + i] as number;
}

/**
 * Packs 4-bit codes, one a byte, in the order `splitHalves`: of every 32, element j low and element j + 16 high in a byte.
 * @param codes a multiple of 32 of them
 * @param at bytes from the start of `out`
 */
export function packHalves(codes: Uint8Array, out: Uint8Array, at: number): void {
  for (let group = 0; group < codes.length; group += 32) {
    for (let j = 0; j < 16; j++) {
      const low = codes[group + j] as number;
      out[at + group / 2 + j] = low | ((codes[group + j + 16] as number) << 4);
    }
  }
}
