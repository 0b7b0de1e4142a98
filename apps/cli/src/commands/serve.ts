// moeq serve: the model behind OpenAI's HTTP interface, and a page to talk to, until Ctrl-C.

import { resolve } from 'node:path';
import { parseModelReference } from '@moeq/loader';
import type { Model } from '@moeq/runtime';
import { defaultLimits, modelId, type ServedModel } from '@moeq/server';
import { type Listening, listen, TextThread } from '@moeq/server/node';
import { counted, formatBytes } from '@moeq/tensors';
import { Command, Option } from 'commander';
import { type Io, note, painter } from '../io.js';
import { type ModelOptions, type OpenedModel, open, withModelOptions } from '../model-options.js';
import { collect, wholeNumber } from '../options.js';
import { withTemplateVariables } from '../template-variables.js';

interface Options extends ModelOptions {
  readonly port: number;
  readonly host: string;
  readonly apiKey?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly alias?: readonly string[];
  readonly strict?: true;
  readonly context?: number;
  readonly cacheTokens?: number;
  readonly parallel: number;
  readonly queue: number;
  readonly timeout: number;
}

const help = `
Examples:
  moeq serve                                   tiny-moe on http://127.0.0.1:8080
  moeq serve ./mixtral-nf4 --port 9000 --cache-tokens 16384
  MOEQ_API_KEY=secret moeq serve ./mixtral-nf4 --host 0.0.0.0

Any OpenAI client talks to it: its base URL is http://HOST:PORT/v1. A browser finds a page at /.
The model's name is the last part of its path unless --alias gives another; clients may send any.
Ctrl-C lets answers end; a second one does not.`;

export function serve(io: Io): Command {
  const command = new Command('serve')
    .summary('answer OpenAI clients over HTTP')
    .description('Serves a model to OpenAI clients and browsers on this machine.');
  return withTemplateVariables(withModelOptions(command))
    .option(
      '-p, --port <number>',
      'where to listen; 0: any free port',
      wholeNumber({ min: 0, max: 65535 }),
      8080,
    )
    .option('--host <address>', 'another than loopback needs an API key', '127.0.0.1')
    .addOption(
      new Option('--api-key <key>', 'what clients have to send; may be repeated')
        .env('MOEQ_API_KEY')
        .argParser(collect),
    )
    .option('--allow-host <name>', 'a name that clients may use for this machine; may be repeated', collect)
    .option(
      '--allow-origin <origin>',
      'pages that may ask: https://chat.example.org, app://obsidian.md, vscode-webview://*, or * for any; may be repeated',
      collect,
    )
    .option(
      '--alias <name>',
      'what clients call the model; may be repeated, the first is in answers',
      collect,
    )
    .option(
      '--strict',
      'refuse fields that are not known or not as OpenAI documents them, and names of other models',
    )
    .option(
      '--context <tokens>',
      'tokens of prompt and answer together (default: the model’s, at most 4096)',
      wholeNumber({ min: 1 }),
    )
    .option('--cache-tokens <tokens>', 'tokens of all running requests together', wholeNumber({ min: 1 }))
    .option(
      '--parallel <count>',
      'answers that are computed together',
      wholeNumber({ min: 1, max: 1024 }),
      defaultLimits.batch,
    )
    .option(
      '--queue <count>',
      'answers that may wait besides',
      wholeNumber({ min: 0, max: 100_000 }),
      defaultLimits.queue,
    )
    .option(
      '--timeout <seconds>',
      'that an answer may take',
      wholeNumber({ min: 1, max: 86_400 }),
      defaultLimits.seconds,
    )
    .addHelpText('after', help)
    .action((name: string, options: Options) => runServe(io, name, options));
}

async function runServe(io: Io, name: string, options: Options): Promise<void> {
  // The port first: a model is not loaded for nothing, and /ready can be asked meanwhile.
  const listening = await listen(listenOptions(io, options));
  try {
    const { context: contextLength, cacheTokens: kvCacheTokens } = options;
    const needs = { contextLength, kvCacheTokens, hasCacheOption: true, prompts: 'text' } as const;
    await using opened = await open(io, name, options, needs);
    await opened.model.warmUp();
    const names = options.alias ?? [modelId(whole(name))];
    await using reader = textThread(name, names, opened.model, options);
    listening.app.serve({ ...servedModel(opened), names, reader });
    io.stdout.write(announcement(io, opened, listening, { ...options, names }));
    await aborted(io.signal);
    note(io, 'stopping; running answers are completed');
    if (!(await listening.close())) note(io, 'answers that took too long were cut');
  } finally {
    await listening.close();
  }
}

/** Long requests are read in a thread of its own. */
function textThread(
  reference: string,
  [name = '']: readonly string[],
  { contextLength, config: { vocabularySize } }: Model,
  { allowLinks }: Options,
): TextThread {
  return new TextThread({ reference, name, contextLength, vocabularySize, allowLinks });
}

/** A path as the system knows it: `.` says nothing about a model. */
function whole(name: string): string {
  return parseModelReference(name).kind === 'folder' ? resolve(name) : name;
}

function listenOptions(io: Io, options: Options) {
  const { host, port, apiKey, allowHost, allowOrigin, strict, parallel, queue, timeout } = options;
  return {
    host,
    port,
    apiKeys: apiKey,
    origins: allowOrigin,
    strict,
    ...(allowHost !== undefined && { hosts: [...allowHost, 'localhost', '127.0.0.1', '[::1]'] }),
    limits: { batch: parallel, queue, seconds: timeout },
    onNotice: (text: string) => note(io, `note: ${text}`),
    onError: (error: unknown) => {
      io.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    },
  };
}

function servedModel({ model, source }: OpenedModel): Omit<ServedModel, 'names' | 'reader'> {
  const bytesByRole: Record<string, number> = {};
  for (const { role, bytes } of source.report().tensors) {
    bytesByRole[role] = (bytesByRole[role] ?? 0) + bytes.loaded;
  }
  return { model, bytesByRole };
}

function announcement(
  io: Io,
  { model, backend, chats, loadSeconds }: OpenedModel,
  { url }: Listening,
  { apiKey, cacheTokens, names: [id = ''] }: Options & { readonly names: readonly string[] },
): string {
  const paint = painter(io.stdout);
  const { config, contextLength, memory } = model;
  const facts = [
    `${config.architecture}, ${counted(config.layers.length, 'layer')}`,
    `${formatBytes(memory.weightBytes)} of weights`,
    `context ${counted(contextLength, 'token')}`,
    `cache ${cacheTokens === undefined ? '' : `${counted(cacheTokens, 'token')}, `}${formatBytes(memory.kvCacheBytes)}`,
    backend.description,
    `loaded in ${loadSeconds.toFixed(1)} s`,
  ].join(' · ');
  const path = chats ? '/v1/chat/completions' : '/v1/completions';
  const body = chats
    ? { model: id, messages: [{ role: 'user', content: 'Hello!' }] }
    : {
        model: id,
        prompt: model.tokenizer === null ? [1, 2, 3] : 'In the beginning',
        max_tokens: 32,
      };
  const key = apiKey === undefined ? '' : ' -H "Authorization: Bearer $MOEQ_API_KEY"';
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  const curl = `curl ${url}${path} -H 'Content-Type: application/json'${key} -d '${quoted}'`;
  const hint = apiKey === undefined ? '' : '# with the key in MOEQ_API_KEY:\n';
  return `${paint('bold', id)} on ${paint('cyan', url)}\n${facts}\n${hint}${curl}\n`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
