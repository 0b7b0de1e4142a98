// Whether models can be compared token by token and layer by layer.
import { type DecoderConfig, layerMoe, type ModelSource } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';

/** @throws MoeqError naming two models and the first thing that they differ in */
export function assertComparable(sources: readonly ModelSource[]): void {
  const [first, ...others] = sources;
  if (first === undefined) return;
  for (const other of others) {
    const [facts, otherFacts] = [factsOf(first.config), factsOf(other.config)];
    const differing = facts.findIndex(({ value }, index) => value !== otherFacts[index]?.value);
    const fact = facts[differing];
    if (fact === undefined) continue;
    throw new MoeqError({
      operation: 'compare models',
      subject: `${first.name} and ${other.name}`,
      expected: `the same ${fact.what}`,
      found: `${fact.value} and ${otherFacts[differing]?.value}`,
    });
  }
}

/** What models must share, coarsest first. */
function factsOf({ vocabularySize, layers }: DecoderConfig): { what: string; value: string }[] {
  return [
    { what: 'vocabulary size', value: `${vocabularySize}` },
    { what: 'number of layers', value: `${layers.length}` },
    ...layers.map(layerMoe).map((moe, layer) => ({
      what: `experts per token in layer ${layer}`,
      value: moe === null ? 'none' : `${moe.route.expertsPerToken} of ${moe.route.experts}`,
    })),
  ];
}
