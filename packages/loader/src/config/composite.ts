// The language model of a composite, beside towers for images and sound: an architecture as any other, whose configuration
// stands under a key of config.json and whose tensors lie under a prefix. The rest is carried along and not run.
import type { Slot } from '@moeq/runtime';
import { isObject, quote } from '@moeq/tensors';
import type { Architecture, TensorNames } from './architecture.js';
import { configError } from './config.js';

interface Composite {
  readonly modelTypes: readonly [string, ...string[]];
  /** Where it stands in config.json, e.g. under `text_config`. */
  readonly path: readonly [string, ...string[]];
  /** In place of `model.` before the names of the language model's tensors. */
  readonly prefix: string;
  /** Name of the head; as everywhere unless given. */
  readonly head?: string;
  /** In place of `layers` in the names of layers; as everywhere unless given. */
  readonly layers?: string;
}

export function composite(
  text: Architecture,
  { modelTypes, path, prefix, head, layers = 'layers' }: Composite,
): Architecture {
  const within = (config: Readonly<Record<string, unknown>>, file: string) => {
    let [around, own] = [config, config];
    for (const [depth, key] of path.entries()) {
      const { [key]: part } = own;
      if (!isObject(part)) {
        const name = path.slice(0, depth + 1).join('.');
        throw configError(file, `an object ${name}`, part === undefined ? 'none' : quote(part));
      }
      [around, own] = [own, part];
    }
    // what stands around the language model ties its head
    const { tie_word_embeddings: tied = own['tie_word_embeddings'] } = around;
    return { ...own, tie_word_embeddings: tied };
  };
  const named = (file: string) => `${file}, ${path.join('.')}`;
  const architecture = modelTypes[0];
  return {
    modelTypes,
    names: { ...renamed(text.names, prefix, layers), ...(head !== undefined && { head: [head] }) },
    prefix,
    ...(text.fused !== undefined && { fused: text.fused }),
    ...(text.leftAside !== undefined && { leftAside: text.leftAside }),
    textOf: within,
    decoder: (config, file) => ({ ...text.decoder(within(config, file), named(file)), architecture }),
    read(config, file) {
      const { decoder, refusal } = text.read(within(config, file), named(file));
      return { decoder: { ...decoder, architecture }, refusal };
    },
  };
}

function renamed(names: TensorNames, prefix: string, layers: string): TensorNames {
  const rename = (name: string) =>
    name.replace(/^model\./, prefix).replace('.layers.{layer}.', `.${layers}.{layer}.`);
  const entries = Object.entries(names) as [Slot, readonly string[]][];
  return Object.fromEntries(entries.map(([slot, own]) => [slot, own.map(rename)]));
}
