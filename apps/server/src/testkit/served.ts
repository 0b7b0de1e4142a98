// A server on a port of loopback with a small model, and the stock OpenAI client beside it.
import { openModelFiles } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { createModel, type Model, type ModelOptions } from '@moeq/runtime';
import { memorySource } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import OpenAI from 'openai';
import { afterAll, beforeAll } from 'vitest';
import { type Listening, type ListenOptions, listen } from '../node/listen.js';

/** A template that tells roles apart and names tools. */
export const toolTemplate = [
  "{% for tool in tools or [] %}{{ 'tool: ' + tool['function']['name'] + '\\n' }}{% endfor %}",
  "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}",
  "{% for call in message['tool_calls'] or [] %}{{ call['function']['name'] + (call['function']['arguments'] | tojson) }}{% endfor %}",
  "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}",
].join('');

/** tiny-moe, with another chat template where one is given. Its backend is the caller's to destroy. */
export async function tinyMoe(options: Partial<ModelOptions> = {}, chatTemplate?: string): Promise<Model> {
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
  const model = await createModel(source, { backend: await wasmBackend({ threads: 1 }), ...options });
  await source.close();
  return model;
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
export function sharedServer(options: ListenOptions = {}, chatTemplate?: string) {
  const shared: { model: Model; server: Served } = Object.create(null);
  beforeAll(async () => {
    shared.model = await tinyMoe({}, chatTemplate);
    shared.server = await serve(shared.model, options);
  });
  afterAll(async () => {
    await shared.server.close();
    await shared.model.backend.destroy();
  });
  return shared;
}
