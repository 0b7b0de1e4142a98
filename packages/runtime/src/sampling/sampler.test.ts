import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { probabilities } from './probabilities.js';
import { Sampler } from './sampler.js';
import { type SamplingOptions, samplingSettings } from './sampling-settings.js';

function sampler(options: SamplingOptions, prompt: readonly number[] = []): Sampler {
  return new Sampler(samplingSettings(options, {}), prompt);
}

/** What the sampler has made of the logits when it chooses. */
function adjusted(
  options: SamplingOptions,
  prompt: readonly number[],
  logits: readonly number[],
  before: number[] = [],
) {
  const one = sampler({ temperature: 0, ...options }, prompt);
  for (const id of before) one.next(Float32Array.from(logits, (_, index) => (index === id ? 1e6 : 0)));
  const copy = Float32Array.from(logits);
  one.next(copy);
  return [...copy];
}

describe('Sampler', () => {
  test('greedy takes the largest logit, the lowest id among equals', () => {
    expect(sampler({ temperature: 0 }).next(new Float32Array([1, 3, 3, 2]))).toBe(1);
  });

  test('draws tokens as often as their probabilities say', () => {
    const logits = [2, 1, 0.5, 0, -1, -1, -8];
    const options = { temperature: 0.8, topP: 0.97, seed: 42 };
    const expected = probabilities(Float32Array.from(logits), samplingSettings(options, {}));
    const one = sampler(options);
    const draws = 40_000;
    const counts = new Map<number, number>();
    for (let draw = 0; draw < draws; draw += 1) {
      const id = one.next(Float32Array.from(logits));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect([...counts.keys()].every((id) => expected.tokenIds.includes(id))).toBe(true);
    let chiSquare = 0;
    for (const [index, id] of expected.tokenIds.entries()) {
      const mean = (expected.probabilities[index] ?? 0) * draws;
      chiSquare += ((counts.get(id) ?? 0) - mean) ** 2 / mean;
    }
    // At most 6 degrees of freedom: above 33 once in 100,000.
    expect(chiSquare).toBeLessThan(33);
  });

  test('a seed repeats its choices, whatever other samplers do meanwhile', () => {
    const logits = () => Float32Array.from({ length: 100 }, (_, id) => Math.sin(id));
    const [alone, together, other] = [sampler({ seed: 9 }), sampler({ seed: 9 }), sampler({ seed: 10 })];
    const expected = Array.from({ length: 50 }, () => alone.next(logits()));
    const others: number[] = [];
    for (const id of expected) {
      others.push(other.next(logits()));
      expect(together.next(logits())).toBe(id);
    }
    expect(others).not.toEqual(expected);
  });

  test('bias comes first, then the repetition penalty of prompt and text', () => {
    expect(adjusted({ repetitionPenalty: 2 }, [0, 1], [4, -4, 4, -4])).toEqual([2, -8, 4, -4]);
    expect(adjusted({ repetitionPenalty: 2 }, [0], [4, -4, 4, -4], [1])).toEqual([2, -8, 4, -4]);
    expect(adjusted({ repetitionPenalty: 2, logitBias: { 0: -6, 2: 1 } }, [0], [4, 0, 4, 0])).toEqual([
      -4, 0, 5, 0,
    ]);
  });

  test('presence and frequency penalties count the text and not the prompt', () => {
    const options = { presencePenalty: 0.5, frequencyPenalty: 0.25 };
    expect(adjusted(options, [3, 3], [1, 1, 1, 1], [0, 2, 2])).toEqual([0.25, 1, 0, 1]);
  });

  test('-Infinity forbids a token', () => {
    const one = sampler({ seed: 1, logitBias: { 1: -Infinity } });
    for (let draw = 0; draw < 200; draw += 1) expect(one.next(new Float32Array([0, 9, 0]))).not.toBe(1);
  });

  test('no token left is an error', () => {
    const one = sampler({ logitBias: { 0: -Infinity, 1: -Infinity } });
    expect(() => one.next(new Float32Array(2))).toThrow(/at least one token that is not forbidden/);
  });

  test.each([Number.NaN, Infinity, -Infinity])('a logit of %s is an error that names the token', (wrong) => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), (id) => {
        const logits = new Float32Array(21);
        logits[id] = wrong;
        expect(() => sampler({ temperature: 0 }).next(logits)).toThrow(
          `the logit of token ${id}: cannot choose a token: expected a finite number, found ${wrong}`,
        );
      }),
    );
  });
});
