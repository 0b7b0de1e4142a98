// Log probabilities of a token and of the most probable ones: logit - ln(sum of exp(logits)), in float64, as the model gave
// them, before bias, penalties, constraint and temperature.
import { largest } from './select.js';

export interface TokenLogprob {
  readonly tokenId: number;
  /** Natural logarithm, at most 0. */
  readonly logprob: number;
}

export interface TokenLogprobs extends TokenLogprob {
  /** The likeliest tokens, best first; the chosen one is among them only if it is that likely. */
  readonly top: readonly TokenLogprob[];
}

/** @param logits float32 [V], finite; not changed */
export function tokenLogprobs(logits: Float32Array, tokenId: number, top: number): TokenLogprobs {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id += 1) max = Math.max(max, logits[id] as number);
  let sum = 0;
  for (let id = 0; id < logits.length; id += 1) sum += Math.exp((logits[id] as number) - max);
  const total = max + Math.log(sum);
  const of = (id: number): TokenLogprob => ({ tokenId: id, logprob: (logits[id] as number) - total });
  return { ...of(tokenId), top: top === 0 ? [] : Array.from(largest(logits, top), of) };
}
