// What role a tensor has, judged by shape and name where the architecture is not known. The first rule that fits decides.
//
// Shapes: E experts, V vocabulary, N rows, K columns.
import type { Role } from '@moeq/quantizers';

/** One pattern of names, as the rules see it. */
export interface NamedShape {
  readonly pattern: string;
  readonly shape: readonly number[];
}

/** What is known of the model as a whole. */
export interface ModelFacts {
  /** V; null: config.json does not say. */
  readonly vocabulary: number | null;
  /** E; 0: none. */
  readonly experts: number;
  /** Modules in which experts stand: patterns up to the experts. */
  readonly expertModules: readonly string[];
  /** Patterns of matrices [N, K]. */
  readonly matrices: ReadonlySet<string>;
}

/** Towers, adapters of them and prediction heads, by a part of the name before the layers. */
const beside =
  /(?:^|\.)(?:vision\w*|visual|audio\w*|image\w*|video\w*|mtp\w*|multi_modal_projector|projector|connector|talker|code2wav)\./;
/** Of a router's choice, wherever it stands. */
const correction = /correction_bias$/;
const router = /(?:^|\.)(?:router\w*|gate|classifier|wg|gating)(?:\.|$)/;
const shared = /(?:^|[._])shared_?(?:experts?|mlp)/;
const experts = /(?:^|\.)(?:local_)?experts?(?:\.|$)/;
const norm = /norm|(?:^|\.)ln_?\w*\./;
const mixer =
  /attn|attention|(?:^|\.)(?:mixer|mamba|conv|linear_attn|temporal_block)\.|(?:^|[._])(?:q|k|v|o|qkv|kv|query|key|value)_proj/i;
const mlp = /mlp|feed_?forward|ffn|(?:gate|up|down)_proj|(?:^|\.)(?:w[123]|fc[12])(?:\.|$)/i;
const head = /(?:^|\.)(?:lm_head|embed_out|output|head)\.weight$/;
const embedding = /embed|wte|(?:^|\.)tok\w*\.weight$/;

export function roleOf(
  { pattern, shape }: NamedShape,
  { vocabulary, experts: E, expertModules, matrices }: ModelFacts,
): Role {
  const [rows] = shape;
  const path = pattern.split('.{layer}.')[0] ?? pattern;
  if (beside.test(`${path}.`)) return 'other';
  const inLayer = pattern.includes('{layer}');
  const module = expertModules.find((each) => pattern.startsWith(each));
  if (router.test(pattern) && (module !== undefined || /router/.test(pattern))) return 'router';
  if (correction.test(pattern)) return 'router';
  if (shared.test(pattern)) return shape.length > 1 && rows === 1 ? 'router' : 'sharedExpert';
  if (experts.test(pattern) || pattern.includes('{expert}')) return 'expert';
  if (shape.length === 3 && E > 0 && rows === E && inLayer) return 'expert';
  if (norm.test(pattern) && shape.length < 2) return 'norm';
  if (shape.length === 2 && !inLayer && vocabulary !== null && (rows ?? 0) >= vocabulary) {
    if (head.test(pattern)) return 'head';
    if (embedding.test(pattern)) return 'embedding';
  }
  if (!inLayer || shape.length > 2) return 'other';
  // vectors that are the bias of no matrix may be anything
  if (shape.length < 2 && !matrices.has(pattern.replace(/bias$/, 'weight'))) return 'other';
  // E rows without a name of a router, beside one: experts of one row each
  if (shape.length === 2 && E > 0 && rows === E && module !== undefined && !mixer.test(pattern))
    return /(?:gate|up|down)_proj/.test(pattern) ? 'denseMlp' : 'expert';
  if (mixer.test(pattern)) return 'attention';
  return mlp.test(pattern) ? 'denseMlp' : 'other';
}

/** Modules of layers that hold experts or a router: the pattern in front of either, with its full stop. */
export function modulesOfExperts(shapes: readonly NamedShape[], E: number): string[] {
  const found = shapes.flatMap(({ pattern, shape }) => {
    if (!pattern.includes('{layer}')) return [];
    const at = pattern.search(/(?:^|\.)(?:(?:local_)?experts?|router\w*)(?:\.|$)/);
    if (at >= 0) return [pattern.slice(0, at + 1)];
    const isFused = shape.length === 3 && E > 0 && shape[0] === E;
    return isFused ? [`${pattern.replace(/\.weight$/, '').replace(/\.[^.]*$/, '')}.`] : [];
  });
  return [...new Set(found)];
}
