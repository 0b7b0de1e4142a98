// The models of a tokenizer.json: how a piece of text becomes ids. Each kind has its file.
import { bpe } from './bpe.js';
import type { Part } from './part.js';
import { unigram } from './unigram.js';
import type { TokenModel } from './vocabulary.js';
import { wordLevel, wordPiece } from './words.js';

export interface Model extends TokenModel {
  readonly type: keyof typeof kinds;
}

const kinds = { BPE: bpe, Unigram: unigram, WordLevel: wordLevel, WordPiece: wordPiece } as const;

/** @throws MoeqError naming the part, for one of another kind or with malformed fields */
export function modelOf(part: Part): Model {
  const names = Object.keys(kinds) as (keyof typeof kinds)[];
  const type = kindOf(part);
  const known = names.find((name) => name === type);
  if (known === undefined) return part.refuse(`a type among ${names.join(', ')}`, type);
  return { type: known, ...kinds[known](part) };
}

/** Older files do not say it; the fields do. */
function kindOf(part: Part): string {
  if (part.field('type') != null) return part.type;
  if (Array.isArray(part.field('merges'))) return 'BPE';
  if (Array.isArray(part.field('vocab'))) return 'Unigram';
  return part.field('continuing_subword_prefix') === undefined ? 'WordLevel' : 'WordPiece';
}
