// The list of what layers may be given besides the hidden state. Each kind has a file of its own; its configuration and its name
// stand here.
//
// Shapes: T tokens of the step, D hidden.
import type { Activations, Step } from '@moeq/kernels';
import type {
  Carried,
  CarriedKind,
  CarriedState,
  DecoderSizes,
  MakeCarried,
  ModelLoader,
} from './carried.js';
import { type LayerInputsConfig, layerInputs } from './layer-inputs.js';

/** What the layers of a decoder are given, by kind. */
export type CarriedConfig = LayerInputsConfig;

export const carriedStates = { layerInputs } satisfies {
  readonly [Kind in CarriedKind]: CarriedState<Extract<CarriedConfig, { kind: Kind }>, string>;
};

type CarriedStates = typeof carriedStates;

/** Tensors of anything that is carried. */
export type CarriedSlot = { [Kind in CarriedKind]: keyof CarriedStates[Kind]['tensors'] }[CarriedKind];

export interface LoadedCarried {
  readonly kind: CarriedKind;
  readonly make: MakeCarried;
}

export async function loadCarried(
  loader: ModelLoader<CarriedSlot>,
  configs: readonly CarriedConfig[],
  sizes: DecoderSizes,
): Promise<LoadedCarried[]> {
  const loaded: LoadedCarried[] = [];
  for (const config of configs) {
    loaded.push({ kind: config.kind, make: await carriedStates[config.kind].load(loader, config, sizes) });
  }
  return loaded;
}

/** What the layers of a step are given. @param x embeddings [T, D], which stay as they are */
export function makeCarried(
  step: Step,
  loaded: readonly LoadedCarried[],
  ids: Int32Array,
  x: Activations,
): Carried {
  return Object.fromEntries(loaded.map(({ kind, make }) => [kind, make(step, ids, x)]));
}

/** The same for chosen tokens. */
export function carriedRows(step: Step, carried: Carried, rows: Int32Array): Carried {
  return Object.fromEntries(
    Object.entries(carried).map(([kind, values]) => [kind, step.selectRows(values, rows)]),
  );
}
