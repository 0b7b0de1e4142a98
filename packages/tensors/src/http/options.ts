// The options of a file on a server, checked.
import { checkOptions, checks, type OptionChecks } from '../options.js';

export interface HttpProgress {
  /** The file's name. */
  readonly name: string;
  /** Bytes of it that have come so far; those that came twice count twice. */
  readonly received: number;
  /** Bytes that it has; null where the server has not said. */
  readonly size: number | null;
}

export interface HttpOptions {
  /** What the file is called in messages; its URL without the query unless given. */
  readonly name?: string;
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for every piece that arrives. */
  readonly onProgress?: (progress: HttpProgress) => void;
  /** Ends opening and all reads, now and later. */
  readonly signal?: AbortSignal;
  /** How often a part is asked for again that did not come, or not to its end, 0 to 10. Default 3. */
  readonly retries?: number;
}

export interface HttpSettings extends Required<Pick<HttpOptions, 'name' | 'headers' | 'retries'>> {
  readonly onProgress: (progress: HttpProgress) => void;
  readonly signal: AbortSignal | null;
}

/** Together 2 s of waiting at 3, 4 minutes at 10. */
const defaultRetries = 3;
const maxRetries = 10;

const known: OptionChecks<HttpOptions> = {
  name: checks.text,
  headers: checks.objectWith('names of headers with their values'),
  onProgress: checks.callback,
  signal: checks.signal,
  retries: checks.integer({ min: 0, max: maxRetries }),
};

/** @throws MoeqError for a wrong option */
export function httpSettings(url: URL, options: HttpOptions): HttpSettings {
  checkOptions('open a file over HTTP', options, known);
  const { name = nameOf(url), headers = {}, onProgress = () => {}, signal = null } = options;
  const { retries = defaultRetries } = options;
  return { name, headers, onProgress, signal, retries };
}

/** Without what may be secret (password, query) and without the contents of a data URL. */
function nameOf({ protocol, origin, pathname, href }: URL): string {
  if (protocol === 'data:') return 'a data URL';
  return origin === 'null' ? href : origin + pathname;
}
