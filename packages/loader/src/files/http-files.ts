// The files of a model on a server: those of a folder, by its URL, or a list of URLs by file name, as bundlers make of files.
import { Blocks, HttpError, type HttpOptions, httpSource, isMoeqError } from '@moeq/tensors';
import { assertInside } from './file-name.js';
import type { FileSet } from './file-set.js';

/**
 * A server lists no folder; these are the files that checkpoints have beside their weights, which are not looked for: a
 * server that knows no ranges would send them all.
 */
const usualNames = [
  ...['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'],
  ...['special_tokens_map.json', 'added_tokens.json', 'chat_template.jinja', 'tokenizer.model'],
  ...['vocab.json', 'merges.txt', 'README.md', 'LICENSE'],
  'additional_chat_templates/tool_use.jinja',
];

export type FileUrls = Readonly<Record<string, string | URL>>;

/**
 * Files that are read by ranges, with one bounded memory for all. A folder's query (a key, say) goes with each of its files.
 * @param where URL of the folder, or the URL of each file by its name
 * @throws HttpError from `open` unless the file is there or is not; MoeqError for a name that leaves the folder
 */
export function httpFiles(where: string | URL | FileUrls, options: Omit<HttpOptions, 'name'> = {}): FileSet {
  const blocks = new Blocks();
  const isFolder = typeof where === 'string' || where instanceof URL;
  const name = isFolder ? folderName(where) : 'files';
  const urlOf = (file: string): URL | string | undefined => {
    if (isFolder) return inFolder(where, file);
    return Object.hasOwn(where, file) ? where[file] : undefined;
  };
  const open: FileSet['open'] = async (file) => {
    assertInside(file, name);
    const url = urlOf(file);
    if (url === undefined) return null;
    try {
      return await httpSource(url, { ...options, name: `${name}/${file}` }, blocks);
    } catch (error) {
      if (isFolder && isMoeqError(error, 'notFound')) return null;
      throw !isFolder && HttpError.isInstance(error) ? explained(error, absoluteUrl(url)) : error;
    }
  };
  return {
    name,
    open,
    async list(folder) {
      if (!isFolder) return folder === undefined ? Object.keys(where) : within(folder, Object.keys(where));
      const found = await Promise.all(
        within(folder ?? '.', usualNames).map(async (base) => {
          const file = folder === undefined ? base : `${folder}/${base}`;
          const source = await open(file);
          await source?.close?.();
          return source === null ? [] : [base];
        }),
      );
      return found.flat();
    },
  };
}

/** Where a file was looked for that is in a list: a bundler may have left it out, and the name does not say where. */
function explained(error: HttpError, { protocol, origin, pathname }: URL): HttpError {
  const { code, operation, subject, found, status, cause = error } = error;
  const facts =
    code === 'notFound'
      ? { expected: `a file at ${origin}${pathname}`, found }
      : code === 'unreachable' && protocol === 'file:'
        ? {
            expected: 'a URL that fetch reads here (openModel of @moeq/loader/node opens files)',
            found: 'a file: URL',
          }
        : null;
  return facts === null ? error : new HttpError(code, { operation, subject, ...facts, cause }, status);
}

/** Of names with their folders those in one, without it. */
function within(folder: string, names: readonly string[]): string[] {
  const inside = names.filter(
    (name) => `${folder}/${name.split('/').at(-1)}` === `${name.includes('/') ? '' : './'}${name}`,
  );
  return inside.map((name) => name.slice(name.lastIndexOf('/') + 1));
}

/** Relative URLs are a page's own. */
export function absoluteUrl(url: string | URL): URL {
  const { location } = globalThis as { location?: Location };
  return new URL(url, location?.href);
}

function folderName(folder: string | URL): string {
  const { origin, pathname } = absoluteUrl(folder);
  return origin + pathname.replace(/\/+$/, '');
}

function inFolder(folder: string | URL, file: string): URL {
  const url = absoluteUrl(folder);
  const path = file.split('/').map(encodeURIComponent).join('/');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  return url;
}
