// The server as the page sees it: the same interface that OpenAI's clients use, and /status.

export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface Status {
  readonly model: string;
  readonly architecture: string;
  readonly backend: string;
  readonly contextLength: number;
  /** What the model's own files say, for requests that say nothing. */
  readonly sampling: Readonly<Record<string, number>>;
  readonly memory: { readonly kvCacheBytes: number; readonly bytesByRole: Readonly<Record<string, number>> };
  readonly running: number;
  readonly waiting: number;
  readonly experts: readonly { readonly layer: number; readonly counts: readonly number[] }[];
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: { readonly completion_tokens: number; readonly total_tokens: number } | null;
  readonly error?: Failure;
}

interface Failure {
  readonly message?: string;
  readonly code?: string | null;
}

export class ServerError extends Error {
  readonly status: number;
  readonly code: string | null;
  constructor(status: number, { message = `The server answered ${status}.`, code = null }: Failure = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What every request sends; empty without a key. */
function keyHeaders(key: string): Record<string, string> {
  return key === '' ? {} : { authorization: `Bearer ${key}` };
}

/** @throws ServerError with the server's own sentence */
export async function fetchStatus(key: string): Promise<Status> {
  const response = await fetch('/status', { headers: keyHeaders(key) });
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as Status;
}

export interface Piece {
  /** Empty in the last one. */
  readonly text: string;
  /** Of the whole answer, in the last piece. */
  readonly tokens: number | null;
  /** Of prompt and answer together, in the last piece. */
  readonly total: number | null;
}

/**
 * The answer as it comes.
 * @throws ServerError, or the signal's reason
 */
export async function* streamChat(
  request: object,
  key: string,
  signal: AbortSignal,
): AsyncGenerator<Piece, void, void> {
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...keyHeaders(key) },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok || response.body === null) throw await errorOf(response);
  for await (const data of events(response.body)) {
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error !== undefined) throw new ServerError(500, chunk.error);
    const text = chunk.choices?.[0]?.delta.content ?? '';
    const tokens = chunk.usage?.completion_tokens ?? null;
    const total = chunk.usage?.total_tokens ?? null;
    if (text !== '' || tokens !== null) yield { text, tokens, total };
  }
}

/** The data of server-sent events up to `[DONE]`. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (!block.startsWith('data: ')) continue;
      const data = block.slice('data: '.length);
      if (data === '[DONE]') return;
      yield data;
    }
  }
}

async function errorOf(response: Response): Promise<ServerError> {
  const body = (await response.json().catch(() => ({}))) as { error?: Failure };
  return new ServerError(response.status, body.error);
}
