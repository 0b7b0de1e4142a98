// One function for each kernel, unit and shape, so that each is small to compile: the host calls the one that a matrix
// needs. All take a matrix; [.., K] activations of that kernel's width, in rows of 2K bytes, with their scales and sums; U32 [tokens], the rows of them that are
// meant, or 0 for the first ones; and write Float32, row i of the result at out + i * outStride bytes.
import { tile, vector } from './integer-linear';
import { Kernel, Matrix } from './matrix';

export function vectorAffine4x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.affine4, 32);
}

export function tileAffine4x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.affine4, 32);
}

export function vectorAffine4x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.affine4, 64);
}

export function tileAffine4x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.affine4, 64);
}

export function vectorCodebook4x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.codebook4, 32);
}

export function tileCodebook4x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.codebook4, 32);
}

export function vectorCodebook4x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.codebook4, 64);
}

export function tileCodebook4x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.codebook4, 64);
}

export function vectorSigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.signed8, 32);
}

export function tileSigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.signed8, 32);
}

export function vectorSigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.signed8, 64);
}

export function tileSigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.signed8, 64);
}

export function vectorUnsigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.unsigned8, 32);
}

export function tileUnsigned8x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.unsigned8, 32);
}

export function vectorUnsigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, Kernel.unsigned8, 64);
}

export function tileUnsigned8x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, Kernel.unsigned8, 64);
}
