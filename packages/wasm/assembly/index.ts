// What the workers call.
export { add, multiply, clamp, softCap, centre, rmsNorm, activate, activateGated, rotate, multiplySigmoid, gateHead } from './elementwise';
export { attendFour, storeKeyValue } from './attention';
export { convolve, fillWindow } from './convolution';
export { decayFactors, deltaStep, gateNormed, unitHead } from './delta-rule';
export { decodeRow } from './decode-row';
export { attendRows, multiplyAcross } from './latent';
export { floatLinear } from './float-linear';
export {
  vectorAffine4x32,
  tileAffine4x32,
  vectorAffine4x64,
  tileAffine4x64,
  vectorCodebook4x32,
  tileCodebook4x32,
  vectorCodebook4x64,
  tileCodebook4x64,
  vectorSigned8x32,
  tileSigned8x32,
  vectorSigned8x64,
  tileSigned8x64,
  vectorUnsigned8x32,
  tileUnsigned8x32,
  vectorUnsigned8x64,
  tileUnsigned8x64,
} from './integer-kernels';
export { useScratch } from './matrix';
export { multiplySilu, scanHead, timeSteps } from './selective-scan';
export { quantizePairs } from './activation-pairs';
export { quantizeBytes, quantizePlain } from './quantize-activations';
