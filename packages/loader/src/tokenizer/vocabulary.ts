// Tokens with their ids, and what makes tokens of text.
import { isObject, quote } from '@moeq/tensors';
import type { Component } from './component.js';

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
export const idLimit = 2 ** 26;

/** `vocab` of a BPE, WordPiece or WordLevel model. @throws MoeqError for an id that is none, or no vocabulary */
export function vocabularyOf(
  component: Component,
): Vocabulary & { readonly ids: ReadonlyMap<string, number> } {
  const vocab = component.field('vocab');
  if (!isObject(vocab)) return component.refuse('tokens with their ids as vocab', vocab);
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) ids.set(token, assertId(component, token, id));
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

function assertId(component: Component, token: string, id: unknown): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < idLimit) return id;
  return component.refuse(
    `integers from 0 to ${idLimit - 1} as ids`,
    `${quote(id, 40)} of token ${quote(token, 60)}`,
  );
}
