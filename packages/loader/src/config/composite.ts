// The language model of a composite, beside towers for images and sound: an architecture as any other, whose configuration
// stands under a key of config.json and whose tensors lie under a prefix. The rest is carried along and not run.
import type { Slot } from '@moeq/runtime';
import { isObject, quote } from '@moeq/tensors';
import type { Architecture, TensorNames } from './architecture.js';
import { configError } from './config.js';

interface Composite {
  readonly modelTypes: readonly [string, ...string[]];
  /** Of config.json, e.g. `text_config`. */
  readonly key: string;
  /** In place of `model.` before the names of the language model's tensors. */
  readonly prefix: string;
}

export function composite(text: Architecture, { modelTypes, key, prefix }: Composite): Architecture {
  const within = (config: Readonly<Record<string, unknown>>, file: string) => {
    const own = config[key];
    if (!isObject(own)) throw configError(file, `an object ${key}`, own === undefined ? 'none' : quote(own));
    // the composite ties its own head
    const { tie_word_embeddings: tied = own['tie_word_embeddings'] } = config;
    return { ...own, tie_word_embeddings: tied };
  };
  const named = (file: string) => `${file}, ${key}`;
  const architecture = modelTypes[0];
  return {
    modelTypes,
    names: renamed(text.names, prefix),
    prefix,
    textOf: within,
    decoder: (config, file) => ({ ...text.decoder(within(config, file), named(file)), architecture }),
    read(config, file) {
      const { decoder, refusal } = text.read(within(config, file), named(file));
      return { decoder: { ...decoder, architecture }, refusal };
    },
  };
}

function renamed(names: TensorNames, prefix: string): TensorNames {
  const rename = (name: string) => name.replace(/^model\./, prefix);
  const entries = Object.entries(names) as [Slot, readonly string[]][];
  return Object.fromEntries(entries.map(([slot, own]) => [slot, own.map(rename)]));
}
