// Models of the Hugging Face hub: `org/name`, `org/name@revision`, and one .gguf file of a repository, `org/name/file.gguf`.
// The hub serves a repository as a folder, https://huggingface.co/docs/hub/models-downloading; what is read of it is fetched.
import { type HttpOptions, MoeqError, quote } from '@moeq/tensors';
import { filesAt } from '../open-model.js';
import type { FileSet } from './file-set.js';

export interface HubOptions {
  /** Where the hub is; a mirror, say. `https://huggingface.co` unless given. */
  readonly endpoint?: string;
  /** For repositories that are private or gated. */
  readonly token?: string;
  readonly http?: Omit<HttpOptions, 'name'>;
}

const defaultEndpoint = 'https://huggingface.co';

const name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;

/** @throws MoeqError for text that names no repository; HttpError where the hub is to blame */
export async function hubFiles(repository: string, options: HubOptions = {}): Promise<FileSet> {
  const { endpoint = defaultEndpoint, token, http = {} } = options;
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...http.headers };
  return filesAt(hubUrl(repository, endpoint), { ...http, headers });
}

/** The URL of a repository's folder, or of one file in it. @throws MoeqError for text that names none */
export function hubUrl(repository: string, endpoint = defaultEndpoint): URL {
  const [path = '', ...others] = repository.split('@');
  const [owner = '', model = '', ...file] = path.split('/');
  const [revision = 'main'] = others;
  const isFile = file.length > 0;
  const isWrong =
    others.length > 1 ||
    revision === '' ||
    !name.test(owner) ||
    !name.test(model) ||
    file.some((part) => part === '' || part === '.' || part === '..') ||
    (isFile && !/\.gguf$/i.test(path));
  if (isWrong) {
    throw new MoeqError({
      operation: 'open the model',
      subject: quote(`hf:${repository}`, 200),
      expected: 'hf:org/name, hf:org/name@revision or hf:org/name/file.gguf',
      found: 'another form',
    });
  }
  const parts = [owner, model, 'resolve', revision, ...file].map(encodeURIComponent);
  return new URL(`${endpoint.replace(/\/+$/, '')}/${parts.join('/')}`);
}
