// What a page is made of.
import type { CheckpointSummary } from '@moeq/convert';
import type { Evaluation } from '../evaluation.js';
import type { RoleMemory } from '../memory.js';
import type { WeightError } from '../weight-errors.js';

export interface ReportData {
  readonly evaluation: Evaluation;
  /** Of the model's checkpoint, from `describeCheckpoint`. */
  readonly summary: Pick<
    CheckpointSummary,
    'architecture' | 'parameters' | 'activeParameters' | 'layers' | 'experts'
  >;
  /** What quantized the weights while loading, if anything did. */
  readonly recipe: string | null;
  /** From `roleMemory`. */
  readonly memory: readonly RoleMemory[];
  /** From `weightErrors`; null without a baseline. */
  readonly errors: readonly WeightError[] | null;
}
