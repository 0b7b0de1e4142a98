// What follows attention in one layer: routed experts with a shared one or without, or a dense MLP.
//
// Shapes: D hidden, E experts, F intermediate.
import type { DenseMlp, MoeMlp } from './decoder.js';
import type { DenseConfig, MoeConfig } from './model-source.js';
import type { WeightLoader } from './weight-loader.js';

export async function loadMoe(
  loader: WeightLoader,
  config: MoeConfig,
  hidden: number,
  layer: number,
): Promise<MoeMlp> {
  const { route, intermediateSize, activation, correctionBias, shared } = config;
  return {
    kind: 'moe',
    router: await loader.matrix([[{ kind: 'router', layer }, route.experts]], hidden),
    route,
    correctionBias: correctionBias
      ? await loader.vector([[{ kind: 'correctionBias', layer }, route.experts]])
      : undefined,
    experts: await loader.experts(layer, route.experts, hidden, intermediateSize),
    shared: shared === null ? undefined : await loadShared(loader, shared, hidden, layer),
    activation,
  };
}

async function loadShared(
  loader: WeightLoader,
  { intermediateSize, gated }: NonNullable<MoeConfig['shared']>,
  hidden: number,
  layer: number,
): Promise<NonNullable<MoeMlp['shared']>> {
  return {
    weights: await loader.mlp(layer, 'shared', hidden, intermediateSize),
    gate: gated ? await loader.matrix([[{ kind: 'sharedExpertGate', layer }, 1]], hidden) : undefined,
  };
}

export async function loadDense(
  loader: WeightLoader,
  { intermediateSize, activation }: DenseConfig,
  hidden: number,
  layer: number,
): Promise<DenseMlp> {
  return { kind: 'dense', weights: await loader.mlp(layer, 'dense', hidden, intermediateSize), activation };
}
