// A thread that prepares requests: parses, renders and tokenises them while the server answers others.
import { parentPort, workerData } from 'node:worker_threads';
import { openPromptSource } from '@moeq/loader/node';
import { promptTokens } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';
import { ApiError } from './api-error.js';
import { type PromptReader, preparations } from './prepare.js';
import type { FromThread, ThreadModel, ToThread } from './thread-messages.js';

const { reference, allowLinks = false, ...model } = workerData as ThreadModel;
// Requests that come meanwhile wait in the port.
const source = await openPromptSource(reference, { ...model, allowLinks });
const reader: PromptReader = {
  ...model,
  encode: (prompt) => promptTokens(source, prompt, model.contextLength - 1),
};

function answer({ id, kind, body, rules }: ToThread): FromThread {
  try {
    return { id, prepared: preparations[kind](body, reader, rules) };
  } catch (error) {
    if (error instanceof ApiError) return { id, refusal: error.facts };
    return { id, failure: MoeqError.isInstance(error) ? error.facts : String(error) };
  }
}

parentPort?.on('message', (message: ToThread) => {
  const reply = answer(message);
  const owned = 'prepared' in reply ? reply.prepared.prompts.map(({ buffer }) => buffer) : [];
  parentPort?.postMessage(reply, owned);
});
