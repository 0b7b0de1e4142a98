// A server on a port of loopback with a small model, and the stock OpenAI client beside it.
import { openModelFiles } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import {
  type ChatMessage,
  type ChatOptions,
  createModel,
  type Model,
  type ModelOptions,
  type ModelSource,
} from '@moeq/runtime';
import { memorySource } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import OpenAI from 'openai';
import { afterAll, beforeAll } from 'vitest';
import { type Listening, type ListenOptions, listen } from '../node/listen.js';

/** A template that tells roles apart and names tools. */
export const toolTemplate = [
  "{% for tool in tools or [] %}{{ 'tool: ' + tool['function']['name'] + '\\n' }}{% endfor %}",
  "{% for message in messages %}{{ message['role'] + ': ' + (message['content'] or '') }}",
  "{% for call in message['tool_calls'] or [] %}{{ call['function']['name'] + (call['function']['arguments'] | tojson) }}{% endfor %}",
  "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}",
].join('');

/** What a model was given to render and to tokenise, call by call. */
export interface Watch {
  readonly rendered: {
    readonly messages: readonly ChatMessage[];
    readonly options: ChatOptions | undefined;
  }[];
  readonly tokenised: string[];
}

/** tiny-moe, with another chat template where one is given. Its backend is the caller's to destroy. */
export async function tinyMoe(
  options: Partial<ModelOptions> = {},
  chatTemplate?: string,
  watch?: Watch,
): Promise<Model> {
  const files = await resolveModel('tiny-moe');
  const source = await openModelFiles(
    {
      ...files,
      open: async (name) =>
        name === 'chat_template.jinja' && chatTemplate !== undefined
          ? memorySource(name, new TextEncoder().encode(chatTemplate))
          : files.open(name),
    },
    { name: 'tiny-moe' },
  );
  const watched = watch === undefined ? source : watchedSource(source, watch);
  const model = await createModel(watched, { backend: await wasmBackend({ threads: 1 }), ...options });
  await source.close();
  return model;
}

function watchedSource(source: ModelSource, { rendered, tokenised }: Watch): ModelSource {
  const { formatChat, tokenizer } = source;
  if (formatChat === null || tokenizer === null)
    throw new Error('tiny-moe has lost its template or tokenizer');
  return {
    ...source,
    formatChat(messages, options) {
      rendered.push({ messages, options });
      return formatChat(messages, options);
    },
    tokenizer: {
      ...tokenizer,
      encode(text, options) {
        tokenised.push(text);
        return tokenizer.encode(text, options);
      },
    },
  };
}

export interface Served extends Listening, AsyncDisposable {
  readonly client: OpenAI;
}

/** @param model null: it is being loaded for ever */
export async function serve(model: Model | null, options: ListenOptions = {}): Promise<Served> {
  const listening = await listen(options);
  if (model !== null) listening.app.serve({ model });
  const client = new OpenAI({
    baseURL: `${listening.url}/v1`,
    apiKey: options.apiKeys?.[0] ?? 'none',
    maxRetries: 0,
  });
  return { ...listening, client, [Symbol.asyncDispose]: async () => void (await listening.close()) };
}

/** A server for all tests of a file, from before the first of them to behind the last. */
export function sharedServer(options: ListenOptions = {}, chatTemplate?: string, watch?: Watch) {
  const shared: { model: Model; server: Served } = Object.create(null);
  beforeAll(async () => {
    shared.model = await tinyMoe({}, chatTemplate, watch);
    shared.server = await serve(shared.model, options);
  });
  afterAll(async () => {
    await shared.server.close();
    await shared.model.backend.destroy();
  });
  return shared;
}

/** The same with `toolTemplate`, and what the template, the tokenizer and the log were given. */
export function watchedServer() {
  const watch: Watch = { rendered: [], tokenised: [] };
  const notices: string[] = [];
  const shared = sharedServer({ onNotice: (text) => notices.push(text) }, toolTemplate, watch);
  return { shared, watch, notices };
}
