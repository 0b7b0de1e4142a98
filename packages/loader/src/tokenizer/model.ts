// The models of a tokenizer.json: how a piece of text becomes ids. Each kind has its file.
import { bpe } from './bpe.js';
import type { Component } from './component.js';
import { unigram } from './unigram.js';
import type { TokenModel } from './vocabulary.js';
import { wordLevel, wordPiece } from './words.js';

export interface Model extends TokenModel {
  readonly type: keyof typeof kinds;
}

const kinds = { BPE: bpe, Unigram: unigram, WordLevel: wordLevel, WordPiece: wordPiece } as const;

/** @throws MoeqError naming the component, for one of another kind or with malformed fields */
export function modelOf(component: Component): Model {
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  const type = kindOf(component);
  const known = names.find((name) => name === type);
  if (known === undefined) return component.refuse(`a type among ${names.join(', ')}`, type);
  return { type: known, ...kinds[known](component) };
}

/** Older files do not say it; the fields do. */
function kindOf(component: Component): string {
  if (component.field('type') != null) return component.type;
  if (Array.isArray(component.field('merges'))) return 'BPE';
  if (Array.isArray(component.field('vocab'))) return 'Unigram';
  return component.field('continuing_subword_prefix') === undefined ? 'WordLevel' : 'WordPiece';
}
