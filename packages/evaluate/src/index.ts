// What quantizing did to a model, and how fast it runs, measured.

export type { SquaredNorms } from '@moeq/tensors';
export type { Benchmark, BenchmarkOptions } from './benchmark.js';
export { benchmark } from './benchmark.js';
export { evaluate } from './evaluate.js';
export type {
  ByPosition,
  Comparison,
  Evaluation,
  LayerLoad,
  Perplexity,
  TextPerplexity,
} from './evaluation.js';
export type { RoleMemory } from './memory.js';
export { roleMemory, weightBytesPerToken } from './memory.js';
export type { EvaluateOptions, EvaluateProgress } from './options.js';
export type { EvaluationText } from './texts.js';
export type { WeightError } from './weight-errors.js';
export { summarizeErrors, weightErrors } from './weight-errors.js';
