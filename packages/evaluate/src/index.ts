// What quantizing did to a model, measured.

export { evaluate } from './evaluate.js';
export type {
  ByPosition,
  Comparison,
  Evaluation,
  LayerLoad,
  Perplexity,
  TextPerplexity,
} from './evaluation.js';
export type { EvaluateOptions, EvaluateProgress } from './options.js';
export type { EvaluationText } from './texts.js';
