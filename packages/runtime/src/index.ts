export type { ModelOptions } from './create-model.js';
export { createModel, modelSize } from './create-model.js';
export type { AttentionConfig } from './decoder/attention.js';
export type {
  DecoderConfig,
  DenseConfig,
  LayerConfig,
  MlpConfig,
  MoeConfig,
  RopeConfig,
  RopeScaling,
} from './decoder/config.js';
export type { Slot, TensorPlace, TensorPosition } from './decoder/decoder-tensors.js';
export {
  decoderPlaces,
  decoderTensors,
  describePlace,
  slotNames,
  tensorShape,
} from './decoder/decoder-tensors.js';
export type { MixerConfig } from './decoder/mixers.js';
export type { MlpName } from './decoder/mlp-tensors.js';
export { mlpForms } from './decoder/mlp-tensors.js';
export type { TensorRow } from './decoder/tensor-row.js';
export type { Engine, EngineGenerateOptions, EngineOptions } from './engine/engine.js';
export { createEngine } from './engine/engine.js';
export type { EngineStatistics } from './engine/statistics.js';
export { exactJson, JsonNumber } from './exact-json.js';
export type { GenerateOptions } from './generate-options.js';
export type { FinishReason, GeneratedPiece, GenerationResult, GenerationTimings } from './generation.js';
export type { LayerOutput, LayerStream, LayerStreamOptions, LoadedPart } from './layer-stream.js';
export { layerStream } from './layer-stream.js';
export { modelPlan, partPlans, workingBytes } from './load-plan.js';
export { MemoryError } from './memory-error.js';
export type { LogitsOptions, Model } from './model.js';
export type {
  ChatMessage,
  ChatOptions,
  GenerationDefaults,
  ModelSource,
  Tokenizer,
  WeightHeads,
  WeightReader,
} from './model-source.js';
export type { Conversation, Prompt, PromptSource } from './prompt.js';
export { assertTakes, promptTokens } from './prompt.js';
export type { LayerRouting } from './run-batch.js';
export type { SamplingOptions } from './sampling-settings.js';
export type { SequenceLogits } from './sequence-logits.js';
export type { TokenConstraint } from './token-constraint.js';
export type { TokenLogprob, TokenLogprobs } from './token-logprobs.js';
export type { LoadProgress } from './weight-loader.js';
export { readMlp } from './weight-loader.js';
