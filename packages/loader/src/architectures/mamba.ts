// What architectures share that have Mamba layers: names of tensors, fields and their bounds.
import type { Activation } from '@moeq/kernels';
import type { MambaConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import { configError, count } from '../config/config.js';

/** Groups of heads, far above any. */
const MOST_GROUPS = 4096;
export const groupCount = count(MOST_GROUPS);

/** Names of a module that is Mamba or Mamba 2. */
export const mambaNames = (module: string) =>
  ({
    mambaInput: [`${module}.in_proj.weight`],
    mambaInputBias: [`${module}.in_proj.bias`],
    mambaTaps: [`${module}.conv1d.weight`],
    mambaTapsBias: [`${module}.conv1d.bias`],
    mambaDecay: [`${module}.A_log`],
    mambaSkip: [`${module}.D`],
    mambaOutput: [`${module}.out_proj.weight`],
    mambaOutputBias: [`${module}.out_proj.bias`],
  }) as const satisfies TensorNames;

/** What Mamba 2 has besides. */
export const mamba2Names = (module: string) =>
  ({
    ...mambaNames(module),
    mambaTimeStepBias: [`${module}.dt_bias`],
    mambaNorm: [`${module}.norm.weight`],
  }) as const satisfies TensorNames;

/** A time step; Python's json writes infinity as a word, transformers as an object. */
const timeStep = v.union(
  [
    v.pipe(v.number(), v.minValue(0)),
    v.pipe(
      v.object({ __float__: v.literal('Infinity') }),
      v.transform(() => Number.POSITIVE_INFINITY),
    ),
  ],
  'a number from 0, or infinity',
);
export const timeStepLimit = v.nullish(v.tuple([timeStep, timeStep], 'two numbers'));

/** By the names of `layer_types`, older ones too. */
export const mambaLayerTypes = v.array(
  v.picklist(['linear_attention', 'full_attention', 'mamba', 'attention']),
);

/** Fields of config.json that messages name. */
interface MambaFields {
  /** Where heads are in groups. */
  readonly groups?: string;
  readonly heads?: string;
  readonly taps: string;
}

/**
 * @param file of the configuration
 * @returns the same
 * @throws MoeqError for sizes that do not fit each other
 */
export function checkedMamba(mamba: MambaConfig, fields: MambaFields, file: string): MambaConfig {
  const { heads, groups, taps } = mamba;
  if (heads % groups !== 0)
    throw configError(file, `${fields.groups} to divide ${fields.heads}, ${heads}`, `${groups}`);
  if (taps < 2) throw configError(file, `${fields.taps} of at least 2`, `${taps}`);
  if (mamba.version === 2 && !(mamba.leastTimeStep <= mamba.largestTimeStep)) {
    const found = `${mamba.leastTimeStep} and ${mamba.largestTimeStep}`;
    throw configError(file, 'time_step_limit in order', found);
  }
  return mamba;
}

/** @throws MoeqError for another activation than that of the scan's gates */
export function assertSilu({ kind, alpha }: Activation, file: string): void {
  if (kind === 'silu' && alpha === undefined) return;
  throw configError(file, 'hidden_act to be silu, which Mamba layers have', kind);
}
