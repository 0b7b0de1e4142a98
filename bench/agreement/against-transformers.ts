// One backend against transformers in float32: logits, choice of experts, greedy text.
import type { Backend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { createModel, type Model } from '@moeq/runtime';
import type { Reference } from './reference.ts';

export interface Agreement {
  readonly name: string;
  /** Largest absolute difference of a logit, and the largest logit. */
  readonly logitDifference: number;
  readonly largestLogit: number;
  /** Share of tokens and layers whose set of experts is the same; 1 where there are none. */
  readonly experts: number;
  readonly greedyTexts: { readonly identical: number; readonly of: number };
}

export async function againstTransformers(reference: Reference, backend: Backend): Promise<Agreement> {
  const source = await openModel(reference.model);
  const model = await createModel(source, { backend });
  await source.close();
  try {
    let logitDifference = 0;
    let largestLogit = 0;
    let same = 0;
    let choices = 0;
    for (const { tokens, logits, expertIndices } of reference.sequences) {
      const result = await model.logits(tokens, { routings: true });
      if (logits !== null) {
        logitDifference = Math.max(logitDifference, largestDifference(result.logits, logits));
        largestLogit = Math.max(largestLogit, largestDifference(logits, new Float32Array(logits.length)));
      }
      result.routings.forEach((routing, layer) => {
        const expected = expertIndices[layer];
        if (expected === undefined) throw new Error(`${reference.name} has no experts of layer ${layer}`);
        for (let token = 0; token < routing.tokens; token++) {
          choices++;
          if (
            chosen(routing.expertIndices, token, routing.expertsPerToken) ===
            chosen(expected, token, routing.expertsPerToken)
          )
            same++;
        }
      });
    }
    return {
      name: reference.name,
      logitDifference,
      largestLogit,
      experts: choices === 0 ? 1 : same / choices,
      greedyTexts: await greedyTexts(model, reference),
    };
  } finally {
    await model.close();
  }
}

async function greedyTexts(model: Model, { texts }: Reference): Promise<Agreement['greedyTexts']> {
  let identical = 0;
  for (const { prompt, tokens } of texts) {
    const { tokenIds } = await model.complete([...prompt], {
      temperature: 0,
      stopTokenIds: [],
      maxNewTokens: tokens.length - prompt.length,
    });
    if ([...prompt, ...tokenIds].join() === tokens.join()) identical++;
  }
  return { identical, of: texts.length };
}

function chosen(indices: Int32Array, token: number, perToken: number): string {
  return indices
    .slice(token * perToken, (token + 1) * perToken)
    .sort()
    .join();
}

/** NaN when there is one. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} logits against ${b.length}`);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0);
}
