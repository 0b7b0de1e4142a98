// A model by its URL, ready for `createModel` of @moeq/runtime; in browsers and wherever there is `fetch`.
import { Blocks, type HttpOptions, httpSource, isMoeqError, MoeqError, quote } from '@moeq/tensors';
import type { FileSet } from './files/file-set.js';
import { absoluteUrl, type FileUrls, httpFiles } from './files/http-files.js';
import { ggufFiles } from './gguf/files.js';
import { type OpenedModel, type OpenOptions, openModelFiles } from './model-source.js';

export interface OpenUrlOptions extends OpenOptions {
  /** How files are fetched: headers, retries, a signal, and progress. */
  readonly http?: Omit<HttpOptions, 'name'>;
}

/**
 * Opens a model over HTTP; its weights are fetched when the runtime asks for them.
 * @param where URL of a folder with a checkpoint or of a .gguf file, in a page relative to it; or the URL of each of the
 *   files by its name
 * @throws MoeqError naming what was expected and found, an HttpError where the server is to blame
 */
export async function openModel(
  where: string | URL | FileUrls,
  options: OpenUrlOptions = {},
): Promise<OpenedModel> {
  const { http = {}, ...others } = options;
  const isPlace = typeof where === 'string' || where instanceof URL;
  return openModelFiles(isPlace ? await filesAt(where, http) : httpFiles(where, http), others);
}

/** The files of the model at a URL. @throws MoeqError for text that is no URL, or a GGUF file that cannot be read */
export async function filesAt(where: string | URL, http: Omit<HttpOptions, 'name'> = {}): Promise<FileSet> {
  const url = parse(where);
  if (!/\.gguf$/i.test(url.pathname)) return httpFiles(url, http);
  const folder = url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1);
  const file = url.pathname.slice(folder.length);
  const blocks = new Blocks();
  return ggufFiles(file, async (name) => {
    const part = new URL(url);
    part.pathname = folder + name;
    try {
      return await httpSource(part, http, blocks);
    } catch (error) {
      const isMissing = name !== file && isMoeqError(error, 'notFound');
      if (isMissing) return null;
      throw error;
    }
  });
}

function parse(where: string | URL): URL {
  try {
    return absoluteUrl(where);
  } catch (cause) {
    const expected = 'a URL such as https://example.org/model/';
    const subject = quote(String(where), 200);
    throw new MoeqError({ operation: 'open the model', subject, expected, found: 'none', cause });
  }
}
