// Checkpoints in memory, for tests that change what the files say.
import { encodeSafetensors, memorySource, type Tensor } from '@moeq/tensors';
import { assertInside } from '../files/file-name.js';
import type { FileSet } from '../files/file-set.js';

/** A set of files by name; objects stand for JSON. */
export function memoryFiles(
  files: Readonly<Record<string, Uint8Array | string | object>>,
  name = 'memory',
): FileSet {
  const bytes = new Map(Object.entries(files).map(([file, content]) => [file, bytesOf(content)]));
  return {
    name,
    async list(folder) {
      if (folder === undefined) return [...bytes.keys()];
      const inside = [...bytes.keys()].filter((file) => file.startsWith(`${folder}/`));
      return inside.map((file) => file.slice(folder.length + 1));
    },
    async open(file) {
      assertInside(file, name);
      const content = bytes.get(file);
      return content === undefined ? null : memorySource(`${name}/${file}`, content);
    },
  };
}

/** config.json and one model.safetensors. */
export function checkpointFiles(
  config: object,
  tensors: ReadonlyMap<string, Tensor>,
  more: Record<string, string | object> = {},
) {
  const encoded = encodeSafetensors(Object.fromEntries(tensors), { format: 'pt' });
  return memoryFiles({ 'config.json': config, 'model.safetensors': encoded, ...more });
}

function bytesOf(content: Uint8Array | string | object): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
}
