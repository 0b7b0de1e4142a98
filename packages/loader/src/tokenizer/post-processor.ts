// What stands around the ids of a text: the post-processors of a tokenizer.json, as tokenizers/src/processors has them. They
// pass on a list of lists: a template makes several of one, and what follows it sees those.
import { isObject } from '../files/is-object.js';
import type { Part } from './part.js';
import { ID_LIMIT } from './vocabulary.js';

type Ids = readonly number[];
export type PostProcessor = (sequences: readonly Ids[], addSpecialTokens: boolean) => readonly Ids[];

const kinds: Readonly<Record<string, (part: Part) => PostProcessor>> = {
  BertProcessing: (part) => aroundEach(part, () => []),
  ByteLevel: () => (sequences) => sequences,
  RobertaProcessing: (part) => aroundEach(part, (sep) => [sep]),
  Sequence: (part) => {
    const all = part.parts('processors').map(postProcessorOf);
    return (sequences, add) => all.reduce((done, process) => process(done, add), sequences);
  },
  TemplateProcessing: template,
};

/** @throws MoeqError naming the part, for one of another kind or with malformed fields */
export function postProcessorOf(part: Part): PostProcessor {
  const { type } = part;
  const make = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return make?.(part) ?? part.refuse(`a type among ${Object.keys(kinds).join(', ')}`, type);
}

/** cls before the first, sep behind each. @param before what stands before the others */
function aroundEach(part: Part, before: (sep: number) => Ids): PostProcessor {
  const [sep, cls] = [pairId(part, 'sep'), pairId(part, 'cls')];
  return (sequences, add) =>
    add ? sequences.map((ids, index) => [...(index === 0 ? [cls] : before(sep)), ...ids, sep]) : sequences;
}

/** The id in `[token, id]`. */
function pairId(part: Part, name: string): number {
  const pair = part.field(name);
  const [, id] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
  return isId(id) ? id : part.refuse(`a token and its id as ${name}`, pair);
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < ID_LIMIT;
}

/** Ids, or the index of a sequence. */
type Item = { readonly ids: Ids } | { readonly sequence: number };

function template(part: Part): PostProcessor {
  const [single, pair] = [itemsOf(part, 'single'), itemsOf(part, 'pair')];
  return (sequences, add) => {
    const items = sequences.length === 1 ? single : pair;
    if (sequences.length > 2) part.refuse('one or two sequences before it', `${sequences.length}`);
    return items.flatMap((item) => {
      if ('sequence' in item) return [sequences[item.sequence] ?? []];
      return add ? [item.ids] : [];
    });
  };
}

function itemsOf(part: Part, name: string): Item[] {
  const list = part.field(name);
  if (!Array.isArray(list)) return part.refuse(`a list as ${name}`, list);
  return list.map((item: unknown) => {
    const { Sequence: sequence, SpecialToken: special } = isObject(item) ? item : {};
    const { id } = isObject(sequence ?? special) ? ((sequence ?? special) as { id?: unknown }) : {};
    if (sequence !== undefined && (id === 'A' || id === 'B')) return { sequence: id === 'A' ? 0 : 1 };
    if (special !== undefined && typeof id === 'string') return { ids: specialIds(part, id) };
    return part.refuse(`sequences A and B and special tokens in ${name}`, item);
  });
}

function specialIds(part: Part, token: string): Ids {
  const all = part.field('special_tokens');
  const entry = isObject(all) && Object.hasOwn(all, token) ? all[token] : undefined;
  const { ids } = isObject(entry) ? entry : {};
  return Array.isArray(ids) && ids.every(isId)
    ? ids
    : part.refuse(`ids in special_tokens for ${token}`, entry);
}
