// The entry points of the built packages as modules at URLs, as a CDN has them.
import { readdirSync, readFileSync } from 'node:fs';

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

export const packagesFolder: URL = new URL('../../packages/', import.meta.url);

/** @param url where the folder of the packages is served; ends with `/` */
export function importMap(url: string): Record<string, string> {
  const imports: Record<string, string> = {};
  for (const folder of readdirSync(packagesFolder)) {
    const { name, exports } = JSON.parse(
      readFileSync(new URL(`${folder}/package.json`, packagesFolder), 'utf8'),
    ) as Manifest;
    for (const [path, target] of Object.entries(exports)) {
      if (typeof target === 'string') continue; // package.json itself
      imports[`${name}${path.slice(1)}`] = new URL(`${folder}/${target.default}`, url).href;
    }
  }
  return imports;
}
