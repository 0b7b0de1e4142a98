// What a layer has, wherever in its blocks that is, for those who ask for one part of it; and the layer that most have.
import { MoeqError } from '@moeq/tensors';
import type {
  BlockConfig,
  BranchConfig,
  DenseConfig,
  LayerConfig,
  LayerNormConfig,
  MlpConfig,
  MoeConfig,
  NormConfig,
  NormSlot,
} from './config.js';
import type { LayerInputConfig } from './layer-inputs.js';
import type { MixerConfig } from './mixers.js';

/** @throws MoeqError for a layer with several */
export function layerMixer(layer: LayerConfig): MixerConfig | null {
  return only(partsOf(layer).mixers, 'mixer');
}

/** @throws MoeqError for a layer with several */
export function layerMoe(layer: LayerConfig): MoeConfig | null {
  return only(partsOf(layer).moes, 'set of experts');
}

/** Whether any layer of a decoder has experts. */
export function hasExperts({ layers }: { readonly layers: readonly LayerConfig[] }): boolean {
  return layers.some((layer) => layerMoe(layer) !== null);
}

/** @throws MoeqError for a layer with several */
export function layerDense(layer: LayerConfig): DenseConfig | null {
  return only(partsOf(layer).denses, 'dense MLP');
}

/** @throws MoeqError for a layer with several */
export function layerInput(layer: LayerConfig): LayerInputConfig | null {
  return only(partsOf(layer).inputs, 'input');
}

/** Whether what a block gives for a token depends on other tokens. */
export function hasMixer(block: BlockConfig): boolean {
  return branchesOf({ blocks: [block] }).some((branch) => 'mixer' in branch);
}

export function layerMlps(layer: LayerConfig): readonly MlpConfig[] {
  return partsOf(layer).mlps;
}

export function layerNorms(layer: LayerConfig): readonly LayerNormConfig[] {
  return partsOf(layer).norms;
}

export function layerNorm(layer: LayerConfig, slot: NormSlot): LayerNormConfig | null {
  return layerNorms(layer).find((norm) => norm.slot === slot) ?? null;
}

interface LayerParts {
  readonly mixers: readonly MixerConfig[];
  readonly mlps: readonly MlpConfig[];
  readonly moes: readonly MoeConfig[];
  readonly denses: readonly DenseConfig[];
  readonly inputs: readonly LayerInputConfig[];
  readonly norms: readonly LayerNormConfig[];
}

/** Found once a layer: the table of tensors asks for every slot and expert. */
const known = new WeakMap<LayerConfig, LayerParts>();

function partsOf(layer: LayerConfig): LayerParts {
  const found = known.get(layer);
  if (found !== undefined) return found;
  const branches = branchesOf(layer);
  const mlps = branches.flatMap((branch) => ('mlp' in branch ? [branch.mlp] : []));
  const moes = mlps.flatMap((mlp) => (mlp.kind === 'moe' ? [mlp] : []));
  const around = branches.flatMap(({ norm, postNorm }) => [norm, postNorm].filter((each) => each !== null));
  const within = moes.flatMap(({ norms }) => (norms === undefined ? [] : [norms.router, norms.experts]));
  const parts = {
    mixers: branches.flatMap((branch) => ('mixer' in branch ? [branch.mixer] : [])),
    mlps,
    moes,
    denses: mlps.flatMap((mlp) => (mlp.kind === 'dense' ? [mlp] : [])),
    inputs: branches.flatMap((branch) => ('layerInput' in branch ? [branch.layerInput] : [])),
    norms: [...around, ...within],
  };
  known.set(layer, parts);
  return parts;
}

/** The blocks of a layer, and behind a sum what it is made of. */
function branchesOf({ blocks }: Pick<LayerConfig, 'blocks'>): readonly BranchConfig[] {
  const within = (branch: BranchConfig): readonly BranchConfig[] =>
    'sum' in branch ? [branch, ...branch.sum.flatMap(within)] : [branch];
  return blocks.flatMap(within);
}

function only<Part>(parts: readonly Part[], what: string): Part | null {
  const [first = null, second] = parts;
  if (second === undefined) return first;
  const expected = `at most one ${what} in a layer`;
  throw new MoeqError({
    operation: 'configure a layer',
    subject: 'blocks',
    expected,
    found: `${parts.length}`,
  });
}

/** The same layers with other mixers; those that were alike are alike still. */
export function withMixers(
  layers: readonly LayerConfig[],
  change: (mixer: MixerConfig) => MixerConfig,
): LayerConfig[] {
  const mixers = new Map<MixerConfig, MixerConfig>();
  const changed = <Branch extends BranchConfig>(branch: Branch): Branch => {
    if ('sum' in branch) return { ...branch, sum: branch.sum.map(changed) };
    if (!('mixer' in branch)) return branch;
    const mixer = mixers.get(branch.mixer) ?? change(branch.mixer);
    mixers.set(branch.mixer, mixer);
    return { ...branch, mixer };
  };
  return layers.map((layer) => ({ ...layer, blocks: layer.blocks.map(changed) }));
}

interface ParallelLayer {
  readonly mixer: MixerConfig;
  readonly mlp: MlpConfig;
  readonly norm: NormConfig;
  readonly residualScale: number;
}

interface SequentialLayer {
  /** null: the layer has only the other one. */
  readonly mixer: MixerConfig | null;
  readonly mlp: MlpConfig | null;
  readonly norm: NormConfig;
  /** Whether what a block reads is normed, what it gives before it is added, or both. Before, unless given. */
  readonly placed?: 'before' | 'after' | 'both';
  readonly residualScale?: number;
}

/** A mixer and an MLP that read the same, normed once, and are added up. */
export function parallelLayer({ mixer, mlp, norm, residualScale }: ParallelLayer): LayerConfig {
  const bare = { norm: null, postNorm: null };
  const sum = [
    { mixer, ...bare },
    { mlp, ...bare },
  ];
  return { blocks: [{ sum, norm: { slot: 'mixerNorm', ...norm }, postNorm: null, residualScale }] };
}

/** A mixer, then an MLP, each with a norm of its own: the layer of most architectures. */
export function sequentialLayer({
  mixer,
  mlp,
  norm,
  placed = 'before',
  residualScale = 1,
}: SequentialLayer): LayerConfig {
  const norms = (of: 'mixer' | 'mlp'): Pick<BlockConfig, 'norm' | 'postNorm' | 'residualScale'> => ({
    norm: placed === 'after' ? null : { slot: `${of}Norm`, ...norm },
    postNorm: placed === 'before' ? null : { slot: `${of}PostNorm`, ...norm },
    residualScale,
  });
  return {
    blocks: [
      ...(mixer === null ? [] : [{ mixer, ...norms('mixer') }]),
      ...(mlp === null ? [] : [{ mlp, ...norms('mlp') }]),
    ],
  };
}
