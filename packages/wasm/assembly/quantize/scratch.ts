// Where the kernels put what they need for a moment: one page behind their static data, which the host leaves to them.

/** Elements that are widened at a time: a multiple of every block size, few enough for the first-level cache. */
export const tile: u32 = 4096;

/** Float32 [tile], and room for 11 more. */
export const widened: usize = 65536;

/** Float32 [4096]: the scales of one nested block, from -1 to 1. */
export const scaled: usize = 65536 + 4 * (4096 + 16);

/** Uint32 [4096] or Float32 [4096], beside them: the cells in which they are, the values nearest to them. */
export const cellsOrValues: usize = scaled + 4 * 4096;
