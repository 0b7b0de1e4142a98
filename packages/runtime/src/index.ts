export type { AttentionConfig } from './decoder/attention.js';
export type { CarriedConfig } from './decoder/carried-states.js';
export type {
  BlockConfig,
  BranchConfig,
  DecoderConfig,
  DenseConfig,
  LayerConfig,
  LayerNormConfig,
  MlpConfig,
  MoeConfig,
  NormConfig,
  NormSlot,
} from './decoder/config.js';
export type { Slot, TensorPlace, TensorPosition } from './decoder/decoder-tensors.js';
export {
  decoderPlaces,
  decoderTensors,
  describePlace,
  holdsMatrix,
  slotNames,
  tensorShape,
} from './decoder/decoder-tensors.js';
export type { DeltaNetConfig } from './decoder/delta-net.js';
export type { KimiDeltaConfig } from './decoder/kimi-delta.js';
export type { LatentConfig } from './decoder/latent.js';
export {
  hasExperts,
  layerDense,
  layerMixer,
  layerMlps,
  layerMoe,
  layerNorm,
  parallelLayer,
  sequentialLayer,
  withMixers,
} from './decoder/layer.js';
export type { MambaConfig } from './decoder/mamba-config.js';
export type { MixerConfig } from './decoder/mixers.js';
export type { MlpName } from './decoder/mlp-tensors.js';
export { mlpForms } from './decoder/mlp-tensors.js';
export type { ShortConvConfig } from './decoder/short-conv.js';
export type { TensorRow } from './decoder/tensor-row.js';
export { createEngine } from './engine/create-engine.js';
export type { Engine, EngineGenerateOptions, EngineOptions } from './engine/engine.js';
export type { EngineStatistics } from './engine/statistics.js';
export type { ModelOptions } from './load/create-model.js';
export { createModel, modelSize } from './load/create-model.js';
export type {
  LayerOutput,
  LayerStream,
  LayerStreamOptions,
  LoadedPart,
  StreamState,
} from './load/layer-stream.js';
export { layerStream } from './load/layer-stream.js';
export { modelPlan, partPlans, workingBytes } from './load/load-plan.js';
export { MemoryError } from './load/memory-error.js';
export { readMlp } from './load/read-mlp.js';
export type { LoadProgress } from './load/weight-loader.js';
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
export type { RopeConfig, RopeScaling } from './rotation/rope-config.js';
export type { LayerRouting } from './run/run-batch.js';
export type { SequenceLogits } from './run/sequence-logits.js';
export type { SamplingOptions } from './sampling/sampling-settings.js';
export { argmax } from './sampling/select.js';
export type { TokenConstraint } from './sampling/token-constraint.js';
export type { TokenLogprob, TokenLogprobs } from './sampling/token-logprobs.js';
export { exactJson, JsonNumber } from './text/exact-json.js';
export type { GenerateOptions } from './text/generate-options.js';
export type { FinishReason, GeneratedPiece, GenerationResult, GenerationTimings } from './text/generation.js';
export type { Conversation, Prompt, PromptSource } from './text/prompt.js';
export { assertTakes, promptTokens } from './text/prompt.js';
