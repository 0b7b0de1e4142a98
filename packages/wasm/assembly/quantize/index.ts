// What the quantizing workers call: a module of its own, apart from the kernels that compute with the codes.
export { encodeAffine4, encodeRows8, encodeSigned8 } from './rows';
export { encodeCodebook4, prepareCodebook4 } from './codebook4';
export { encodeCodebook8, prepareCodebook8 } from './codebook8';
export { differenceNorm, finish, nest, prepareNested, weightNorm } from './blocks';
export { packPairs } from './pack';
