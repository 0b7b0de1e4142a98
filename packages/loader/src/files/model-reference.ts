// What a MODEL can be on the command line and in `openModel`: text that says where the model is.
import { MoeqError } from '@moeq/tensors';

export type ModelReference =
  /** The checkpoint that comes with @moeq/tiny-moe. */
  | { readonly kind: 'embedded' }
  | { readonly kind: 'folder'; readonly path: string }
  /** `hf:org/name`, a model of the Hugging Face hub: see `hubFiles` */
  | { readonly kind: 'hub'; readonly repository: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'gguf'; readonly path: string };

const embeddedModel = 'tiny-moe';

/** @throws MoeqError for an empty text */
export function parseModelReference(reference: string): ModelReference {
  if (reference === '') {
    throw new MoeqError({
      operation: 'find the model',
      subject: 'model',
      expected: 'a reference',
      found: 'an empty text',
    });
  }
  if (reference === embeddedModel) return { kind: 'embedded' };
  if (reference.startsWith('hf:')) return { kind: 'hub', repository: reference.slice('hf:'.length) };
  if (/^https?:\/\//i.test(reference)) return { kind: 'url', url: reference };
  if (/\.gguf$/i.test(reference)) return { kind: 'gguf', path: reference };
  return { kind: 'folder', path: reference };
}
