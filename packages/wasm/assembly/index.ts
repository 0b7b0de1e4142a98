// What the workers call.
export { add, multiply, clamp, rmsNorm, activate, rotate, multiplySigmoid } from './elementwise';
export { attendFour, storeKeyValue } from './attention';
export { decodeRow } from './decode-row';
export { floatLinear } from './float-linear';
export { integerLinear } from './integer-linear';
export { useScratch } from './matrix';
export { quantize } from './quantize-activations';
