// What clients call a model: never a path of this machine.

/** Where the hub's cache keeps the files of a revision. */
const cached = /(?:^|\/)models--([^/]+?)--([^/]+)\/snapshots\/[^/]+$/;

/**
 * @param reference a folder, a .gguf file, a URL, `hf:org/name`, or a name
 * @returns `org/name` for models of the hub, from its cache too; the last part of any other
 */
export function modelId(reference: string): string {
  if (reference.startsWith('hf:')) return reference.slice('hf:'.length);
  const path = reference
    .replace(/[?#].*$/s, '')
    .replaceAll('\\', '/')
    .replace(/\/+$/, '');
  const [, owner, name] = cached.exec(path) ?? [];
  if (owner !== undefined && name !== undefined) return `${owner}/${name}`;
  const last = path.slice(path.lastIndexOf('/') + 1).replace(/\.gguf$/i, '');
  return /^\.*$/.test(last) ? 'model' : last;
}
