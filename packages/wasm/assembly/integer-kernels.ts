// One function for each kernel, unit and shape, so that each is small to compile: the host calls the one that a matrix
// needs. All take a matrix; activations as quantizeBytes writes them for affine codes, quantizePairs for codebooks, and
// quantizePlain for 8-bit codes, with their scales and sums; U32 [tokens], the rows of them that are meant, or 0 for the first
// ones; which rows of this share of the matrix are meant, those of 4-bit codes from a multiple of sixteen on; and write
// Float32, row i of the result, from the first of these on, at out + i * outStride bytes.
import { affineTile } from './affine-tile';
import { codebookTile } from './codebook-tile';
import { tile, vector } from './integer-linear';
import { Kernel, Matrix } from './matrix';
import { affineVector, codebookVector } from './nibble-vector';

export function vectorAffine4x32(matrix: Matrix, x: usize, list: usize, from: u32, to: u32, out: usize): void {
  affineVector(matrix, x, list, from, to, out, 32);
}

export function tileAffine4x32(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  affineTile(matrix, x, list, tokens, from, to, out, outStride, 32);
}

export function vectorAffine4x64(matrix: Matrix, x: usize, list: usize, from: u32, to: u32, out: usize): void {
  affineVector(matrix, x, list, from, to, out, 64);
}

export function tileAffine4x64(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  affineTile(matrix, x, list, tokens, from, to, out, outStride, 64);
}

export function vectorCodebook4x32(matrix: Matrix, x: usize, list: usize, from: u32, to: u32, out: usize): void {
  codebookVector(matrix, x, list, from, to, out, 32);
}

export function tileCodebook4x32(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  codebookTile(matrix, x, list, tokens, from, to, out, outStride, 32);
}

export function vectorCodebook4x64(matrix: Matrix, x: usize, list: usize, from: u32, to: u32, out: usize): void {
  codebookVector(matrix, x, list, from, to, out, 64);
}

export function tileCodebook4x64(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  codebookTile(matrix, x, list, tokens, from, to, out, outStride, 64);
}

export function vectorSigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, from: u32, to: u32, out: usize): void {
  vector(matrix, x, scales, sums, list, from, to, out, Kernel.signed8, 32);
}

export function tileSigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, from, to, out, outStride, Kernel.signed8, 32);
}

export function vectorSigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, from: u32, to: u32, out: usize): void {
  vector(matrix, x, scales, sums, list, from, to, out, Kernel.signed8, 64);
}

export function tileSigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, from, to, out, outStride, Kernel.signed8, 64);
}

export function vectorUnsigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, from: u32, to: u32, out: usize): void {
  vector(matrix, x, scales, sums, list, from, to, out, Kernel.unsigned8, 32);
}

export function tileUnsigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, from, to, out, outStride, Kernel.unsigned8, 32);
}

export function vectorUnsigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, from: u32, to: u32, out: usize): void {
  vector(matrix, x, scales, sums, list, from, to, out, Kernel.unsigned8, 64);
}

export function tileUnsigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, from, to, out, outStride, Kernel.unsigned8, 64);
}
