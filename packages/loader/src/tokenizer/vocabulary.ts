// Tokens with their ids, and what makes tokens of text.
import { quote } from '@moeq/tensors';
import { isObject } from '../files/is-object.js';
import type { Part } from './part.js';

export interface Vocabulary {
  /** Tokens, each once. */
  readonly size: number;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  /** All of them, with their ids. */
  entries(): Iterable<readonly [token: string, id: number]>;
}

/** What each kind of model does. */
export interface TokenModel extends Vocabulary {
  /** Ids of a piece that is not empty. @throws MoeqError where it has no token for a part of it, nor one for the unknown */
  tokenize(piece: string): readonly number[];
}

/** Ids from it on are malformed: pairs of smaller ones are exact in a float64. The largest vocabularies have 2^18. */
export const ID_LIMIT = 2 ** 26;

/** `vocab` of a BPE, WordPiece or WordLevel model. @throws MoeqError for an id that is none, or no vocabulary */
export function vocabularyOf(part: Part): Vocabulary & { readonly ids: ReadonlyMap<string, number> } {
  const vocab = part.field('vocab');
  if (!isObject(vocab)) return part.refuse('tokens with their ids as vocab', vocab);
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) ids.set(token, assertId(part, token, id));
  return { ids, ...vocabularyFrom(ids) };
}

export function vocabularyFrom(ids: ReadonlyMap<string, number>): Vocabulary {
  const tokens = new Map<number, string>();
  for (const [token, id] of ids) tokens.set(id, token);
  return {
    size: ids.size,
    idOf: (token) => ids.get(token),
    tokenOf: (id) => tokens.get(id),
    entries: () => ids,
  };
}

function assertId(part: Part, token: string, id: unknown): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < ID_LIMIT) return id;
  return part.refuse(
    `integers from 0 to ${ID_LIMIT - 1} as ids`,
    `${quote(id, 40)} of token ${quote(token, 60)}`,
  );
}
