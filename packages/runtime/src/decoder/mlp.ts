// An MLP of a layer: routed experts with a shared one or without, or a dense MLP.
//
// Shapes: T tokens, D hidden, E experts, A experts per token, L latent of experts.
import type {
  Activation,
  Activations,
  ExpertWeights,
  MlpWeights,
  RoutingHandle,
  RowNormSpec,
  Step,
  Vector,
  Weight,
} from '@moeq/kernels';
import type { BlockRun, LayerLoader } from './block.js';
import type { LayerNormConfig, MlpConfig, MoeConfig } from './config.js';
import { type MlpName, type MlpSlot, mlpParts } from './mlp-tensors.js';

/** Loads what an MLP is made of, besides single tensors. */
export interface MlpLoader extends LayerLoader<MlpSlot> {
  mlp(name: Exclude<MlpName, 'expert'>): Promise<MlpWeights>;
  experts(count: number): Promise<ExpertWeights>;
  /** A norm of the hidden size, what it gives times `factor`. */
  rowNorm(config: LayerNormConfig, factor?: number): Promise<RowNormSpec>;
}

export async function loadMlp(loader: MlpLoader, config: MlpConfig): Promise<BlockRun> {
  if (config.kind === 'moe') {
    const moe = await loadMoe(loader, config);
    return (step, x) => mixture(step, x, moe);
  }
  const { activation } = config;
  const weights = await loader.mlp('dense');
  return (step, x) => ({ output: step.mlp(x, weights, activation), routing: null });
}

interface Moe extends Pick<MoeConfig, 'route' | 'activation'> {
  readonly router: Weight; // [E, D]
  readonly routerBias: Vector | undefined; // [E]
  readonly correctionBias: Vector | undefined; // [E]
  readonly latent: { readonly down: Weight; readonly up: Weight } | undefined; // [L, D], [D, L]
  readonly expertScales: Vector | undefined; // [E]
  readonly norms: { readonly router: RowNormSpec; readonly experts: RowNormSpec } | undefined;
  readonly experts: ExpertWeights;
  readonly shared: LoadedShared | undefined;
}

interface LoadedShared {
  readonly weights: MlpWeights;
  readonly activation: Activation;
  readonly scale: number | undefined;
  readonly gate: Weight | undefined; // [1, D]
}

async function loadMoe(
  loader: MlpLoader,
  { route, activation, routerBias, correctionBias, latentDim, expertScales, norms, shared }: MoeConfig,
): Promise<Moe> {
  return {
    route,
    activation,
    router: await loader.matrix(mlpParts.router),
    routerBias: routerBias ? await loader.vector(mlpParts.routerBias) : undefined,
    correctionBias: correctionBias ? await loader.vector(mlpParts.correctionBias) : undefined,
    latent:
      latentDim === undefined
        ? undefined
        : {
            down: await loader.matrix(mlpParts.expertLatentDown),
            up: await loader.matrix(mlpParts.expertLatentUp),
          },
    expertScales: expertScales === true ? await loader.vector(mlpParts.expertScales) : undefined,
    norms:
      norms === undefined
        ? undefined
        : {
            router: await loader.rowNorm(norms.router, norms.routerFactor),
            experts: await loader.rowNorm(norms.experts),
          },
    experts: await loader.experts(route.experts),
    shared:
      shared === null
        ? undefined
        : {
            weights: await loader.mlp('shared'),
            activation: shared.activation,
            scale: shared.scale,
            gate: shared.outputGate ? await loader.matrix(mlpParts.sharedOutputGate) : undefined,
          },
  };
}

function mixture(step: Step, read: Activations, moe: Moe): { output: Activations; routing: RoutingHandle } {
  const { norms, latent } = moe;
  const ofRouter = norms === undefined ? read : step.norm(read, norms.router); // [T, D]
  const x = norms === undefined ? read : step.norm(read, norms.experts); // [T, D]
  const logits = step.linear(ofRouter, moe.router, moe.routerBias); // [T, E]
  const routing = step.route(logits, moe.route, moe.correctionBias, moe.expertScales); // [T, A]
  const inner = latent === undefined ? x : step.linear(x, latent.down); // [T, L]
  const mixed = step.experts(inner, routing, moe.experts, moe.activation); // [T, L]
  const routed = latent === undefined ? mixed : step.linear(mixed, latent.up); // [T, D]
  if (moe.shared === undefined) return { output: routed, routing };
  const shared = step.mlp(x, moe.shared.weights, moe.shared.activation, moe.shared.gate); // [T, D]
  return { output: step.add(routed, shared, moe.shared.scale), routing };
}

/** Numbers of activations of a token [D], all that a step may hold at once. */
export function mlpActivationsPerToken(mlp: MlpConfig, hidden: number): number {
  const used = mlp.kind === 'moe' ? mlp.route.expertsPerToken + 1 : 1;
  const shared = mlp.kind === 'moe' ? (mlp.shared?.intermediateSize ?? 0) : 0;
  return used * (3 * mlp.intermediateSize + 2 * hidden) + 3 * shared;
}
