// What the workers call.
export { add, multiply, clamp, rmsNorm, activate, rotate, multiplySigmoid } from './elementwise';
export { attendFour, attentionScratch, storeKeyValue } from './attention';
export { decodeRow } from './decode-row';
export { floatLinear } from './float-linear';
export { integerLinear } from './integer-linear';
export { scratchBytes, useScratch } from './matrix';
export { quantize, scalesStride } from './quantize-activations';
