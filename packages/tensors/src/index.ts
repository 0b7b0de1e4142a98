// What a tensor is, plain and quantized, and the containers that hold them.

export { assertLayout, assertQuantizedTensor } from './assert.js';
export { planeData } from './block-values.js';
export type { ByteSource } from './byte-source.js';
export { fromFloat32, toFloat32 } from './convert.js';
export { counted } from './counted.js';
export { decodeRows, decodeTensor } from './decode.js';
export type { DType, FloatDType } from './dtype.js';
export {
  byteLength,
  bytesPerElement,
  dtypes,
  elementCount,
  fromTorchName,
  isDType,
  isFloatDType,
  torchNames,
} from './dtype.js';
export type {
  Codebook,
  CodeRule,
  EncodedMatrix,
  Encoding,
  MatrixEncoder,
  MatrixInput,
} from './encoding.js';
export type { ErrorCode, ErrorFacts } from './errors.js';
export { isMoeqError, MoeqError, quote } from './errors.js';
export type { FinitePlace } from './finite.js';
export { assertFinite, findNonFinite } from './finite.js';
export { formatBytes, formatCount } from './format.js';
export { e2m1Values } from './gguf/block-layouts.js';
export { fromGgufBlocks, toGgufBlocks } from './gguf/blocks.js';
export { encodeGguf } from './gguf/encode.js';
export type { GgufTensor } from './gguf/encode-header.js';
export { isQuantizable, quantizeGguf } from './gguf/quantize.js';
export type { GgufFile, GgufHeader } from './gguf/read.js';
export { openGguf } from './gguf/read.js';
export type { GgufEntry } from './gguf/tensor-infos.js';
export type { GgufQuantization, GgufType } from './gguf/types.js';
export { ggufByteLength, ggufType, ggufTypes } from './gguf/types.js';
export type { GgufArray, GgufMetadata, GgufNumberType, GgufScalar, GgufValue } from './gguf/value.js';
export { Blocks } from './http/blocks.js';
export type { HttpErrorCode } from './http/http-error.js';
export { HttpError } from './http/http-error.js';
export type { HttpSource } from './http/http-source.js';
export { httpSource } from './http/http-source.js';
export type { HttpOptions, HttpProgress } from './http/options.js';
export { isObject } from './is-object.js';
export type {
  BlockValues,
  CodeOrder,
  Decode,
  Layout,
  Plane,
  PlaneName,
  QuantizedTensor,
  Zero,
} from './layout.js';
export type { OptionCheck, OptionChecks } from './options.js';
export { checkOptions, checks, optionError } from './options.js';
export { packCodes, packedLength, unpackCodes } from './pack.js';
export type { PlaneSpec } from './planes.js';
export { bitsPerWeight, blocksPerMatrix, planeSpecs } from './planes.js';
export type { Projection, Role } from './role.js';
export { projections, roles } from './role.js';
export type { SafetensorsFile } from './safetensors.js';
export { openSafetensors } from './safetensors.js';
export { encodeSafetensors } from './safetensors-encode.js';
export type { TensorEntry } from './safetensors-header.js';
export { parseSafetensorsIndex } from './safetensors-index.js';
export { isQuantized, sliceMatrix, sliceRows } from './slice.js';
export { blobSource, memorySource } from './sources.js';
export type { SquaredNorms } from './squared-norms.js';
export { addNorms, relativeError, squaredNorms } from './squared-norms.js';
export type { Tensor } from './tensor.js';
export { float32View, viewAs } from './views.js';
export type { WgslFormat } from './wgsl-format.js';
