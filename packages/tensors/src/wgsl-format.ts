// How a GPU reads a format that no layout describes.

export interface WgslFormat {
  /** Names of the planes that the code reads, one to seven WGSL identifiers. */
  readonly planes: readonly string[];
  /** Defines `fn element(at: Planes, row: u32, column: u32, columns: u32) -> f32`. */
  readonly wgsl: string;
}
