// The error of a recipe that quantizes a router without permission.
import { type ErrorFacts, MoeqError } from '@moeq/tensors';

export function routerRefusal(
  facts: Pick<ErrorFacts, 'operation' | 'subject'> & { readonly found: string },
): MoeqError {
  return new MoeqError({
    code: 'routerQuantization',
    expected: 'the router to be kept, or permission to quantize it given explicitly',
    ...facts,
  });
}
