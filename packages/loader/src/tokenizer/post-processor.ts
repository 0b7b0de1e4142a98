// What stands around the ids of a text: the post-processors of a tokenizer.json, as tokenizers/src/processors has them. They
// pass on a list of lists: a template makes several of one, and what follows it sees those.
import { isObject } from '@moeq/tensors';
import type { Component } from './component.js';
import { idLimit } from './vocabulary.js';

type Ids = readonly number[];
export type PostProcessor = (sequences: readonly Ids[], addSpecialTokens: boolean) => readonly Ids[];

const kinds: Readonly<Record<string, (component: Component) => PostProcessor>> = {
  BertProcessing: (component) => aroundEach(component, () => []),
  ByteLevel: () => (sequences) => sequences,
  RobertaProcessing: (component) => aroundEach(component, (sep) => [sep]),
  Sequence: (component) => {
    const all = component.components('processors').map(postProcessorOf);
    return (sequences, add) => all.reduce((done, process) => process(done, add), sequences);
  },
  TemplateProcessing: template,
};

/** @throws MoeqError naming the component, for one of another kind or with malformed fields */
export function postProcessorOf(component: Component): PostProcessor {
  const { type } = component;
  const make = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return make?.(component) ?? component.refuse(`a type among ${Object.keys(kinds).join(', ')}`, type);
}

/** cls before the first, sep behind each. @param before what stands before the others */
function aroundEach(component: Component, before: (sep: number) => Ids): PostProcessor {
  const [sep, cls] = [pairId(component, 'sep'), pairId(component, 'cls')];
  return (sequences, add) =>
    add ? sequences.map((ids, index) => [...(index === 0 ? [cls] : before(sep)), ...ids, sep]) : sequences;
}

/** The id in `[token, id]`. */
function pairId(component: Component, name: string): number {
  const pair = component.field(name);
  const [, id] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
  return isId(id) ? id : component.refuse(`a token and its id as ${name}`, pair);
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < idLimit;
}

/** Ids, or the index of a sequence. */
type Item = { readonly ids: Ids } | { readonly sequence: number };

function template(component: Component): PostProcessor {
  const [single, pair] = [itemsOf(component, 'single'), itemsOf(component, 'pair')];
  return (sequences, add) => {
    const items = sequences.length === 1 ? single : pair;
    if (sequences.length > 2) component.refuse('one or two sequences before it', `${sequences.length}`);
    return items.flatMap((item) => {
      if ('sequence' in item) return [sequences[item.sequence] ?? []];
      return add ? [item.ids] : [];
    });
  };
}

function itemsOf(component: Component, name: string): Item[] {
  const list = component.field(name);
  if (!Array.isArray(list)) return component.refuse(`a list as ${name}`, list);
  return list.map((item: unknown) => {
    const { Sequence: sequence, SpecialToken: special } = isObject(item) ? item : {};
    const { id } = isObject(sequence ?? special) ? ((sequence ?? special) as { id?: unknown }) : {};
    if (sequence !== undefined && (id === 'A' || id === 'B')) return { sequence: id === 'A' ? 0 : 1 };
    if (special !== undefined && typeof id === 'string') return { ids: specialIds(component, id) };
    return component.refuse(`sequences A and B and special tokens in ${name}`, item);
  });
}

function specialIds(component: Component, token: string): Ids {
  const all = component.field('special_tokens');
  const entry = isObject(all) && Object.hasOwn(all, token) ? all[token] : undefined;
  const { ids } = isObject(entry) ? entry : {};
  return Array.isArray(ids) && ids.every(isId)
    ? ids
    : component.refuse(`ids in special_tokens for ${token}`, entry);
}
