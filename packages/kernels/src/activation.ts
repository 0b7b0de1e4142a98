// What stands between the two sides of an MLP, as data: y = down(h) with, for each inner number,
//   gated    h = clamp(f(clamp(g))) * (clamp(u) + upOffset)    g = gate x, u = up x; arXiv:2002.05202
//   ungated  h = clamp(f(clamp(u)))
// where each clamp does something only where there is a limit.
import { MoeqError } from '@moeq/tensors';

/**
 * silu(x)     = x / (1 + e^(-alpha x))                                  arXiv:1702.03118
 * gelu(x)     = x (1 + erf(x / sqrt 2)) / 2                             arXiv:1606.08415
 * geluTanh(x) = x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) / 2           the same, its approximation
 * relu2(x)    = max(x, 0)²                                              arXiv:2109.08668
 */
export const activationKinds = ['silu', 'gelu', 'geluTanh', 'relu2'] as const;
export type ActivationKind = (typeof activationKinds)[number];

/** A constant of a model, as a RouteSpec is. */
export interface Activation {
  readonly kind: ActivationKind;
  /** Whether the weights have a gate: 2F rows, else F. */
  readonly gated: boolean;
  /** Of silu; 1 unless given. gpt-oss has 1.702. */
  readonly alpha?: number;
  /** Numbers are held to it: gates to at most the limit, ups to ± the limit. None unless given. */
  readonly limit?: number;
  /** Whether what the function gets or what it gives is held to the limit; `input` unless given. Step-3.5 has `output`. */
  readonly limitOf?: 'input' | 'output';
  /** Added to ups; 0 unless given. gpt-oss has 1. */
  readonly upOffset?: number;
}

/** An activation with every number in place; a limit that is none is infinite. */
export interface ActivationNumbers {
  readonly alpha: number;
  /** Of what the function gets, and of what it gives. */
  readonly inputLimit: number;
  readonly outputLimit: number;
  readonly upLimit: number;
  readonly upOffset: number;
}

export function activationNumbers({
  alpha = 1,
  limit = Infinity,
  limitOf = 'input',
  upOffset = 0,
}: Activation): ActivationNumbers {
  return {
    alpha,
    inputLimit: limitOf === 'input' ? limit : Infinity,
    outputLimit: limitOf === 'output' ? limit : Infinity,
    upLimit: limit,
    upOffset,
  };
}

/** Equal for activations that compute the same, e.g. `silu gated 1.702 limit 7 input +1`. */
export function activationName(activation: Activation): string {
  const { kind, gated, alpha = 1, limit, limitOf = 'input', upOffset = 0 } = activation;
  const limits = limit === undefined ? '' : ` limit ${limit} ${limitOf}`;
  return `${kind}${gated ? ' gated' : ''}${alpha === 1 ? '' : ` ${alpha}`}${limits}${upOffset === 0 ? '' : ` +${upOffset}`}`;
}

/**
 * @param gated whether the weights have a gate
 * @throws MoeqError for a kind that is unknown, a number that is none, or weights of the other sort
 */
export function assertActivation(operation: string, activation: Activation, gated: boolean): void {
  const check = (subject: string, holds: boolean, expected: string, found: unknown): void => {
    if (holds) return;
    throw new MoeqError({ code: 'mismatch', operation, subject, expected, found: `${found}` });
  };
  const { kind, alpha = 1, limit = 1, limitOf = 'input', upOffset = 0 } = activation;
  check('activation', activationKinds.includes(kind), activationKinds.join(', '), kind);
  check('alpha', Number.isFinite(alpha) && (alpha === 1 || kind === 'silu'), '1 but for silu', alpha);
  check('limit', Number.isFinite(limit) && limit > 0, 'a positive number', limit);
  check('limitOf', limitOf === 'input' || limitOf === 'output', 'input or output', limitOf);
  check('upOffset', Number.isFinite(upOffset) && (upOffset === 0 || gated), '0 without a gate', upOffset);
  const sort = (has: boolean): string => (has ? 'gated' : 'without a gate');
  check('activation', activation.gated === gated, `one for weights ${sort(gated)}`, sort(activation.gated));
}
