// The tensors beside the decoder in one sentence: how many, how many bytes, and which, with what repeats said once.
import { counted, quote } from '@moeq/tensors';
import type { CheckpointTensor } from './checkpoint.js';

/** Names that a sentence lists. */
const mostNames = 4;

/** @returns null where there are none */
export function describeOthers(tensors: readonly CheckpointTensor[]): string | null {
  const others = tensors.filter(({ facts }) => facts.role === 'other');
  if (others.length === 0) return null;
  const bytes = others.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const groups = new Map<string, string[]>();
  for (const { facts } of others)
    groups.set(groupOf(facts.name), [...(groups.get(groupOf(facts.name)) ?? []), facts.name]);
  const names = [...groups].map(([group, [name = '', ...more]]) => (more.length === 0 ? name : group)).sort();
  const listed = names.slice(0, mostNames).map((name) => quote(name, 120));
  const rest = names.length - listed.length;
  const which = `${listed.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`;
  return `${counted(others.length, 'tensor')} of ${counted(bytes, 'byte')} beside the decoder, ${which}`;
}

/** Numbers as `*` within the layers; elsewhere the tower or head as a whole, by the first part of its name. */
function groupOf(name: string): string {
  const [, prefix = '', path = ''] = /^(model\.)?(.*)$/s.exec(name) ?? [];
  if (/^layers\./.test(path)) return name.replace(/(?<=\.)\d+(?=\.)/g, '*');
  const [first = '', ...rest] = path.split('.');
  return rest.length === 0 ? name : `${prefix}${first}.*`;
}
