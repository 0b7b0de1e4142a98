// Who prepares requests: the thread of the server, or one beside it that knows the same model.
import { type Kind, type Preparations, type PromptReader, preparations, type Rules } from './prepare.js';

export interface RequestReader {
  /** @throws ApiError 400 saying what is wrong with the request */
  prepare<Of extends Kind>(
    kind: Of,
    body: ArrayBuffer,
    rules: Rules,
  ): ReturnType<Preparations[Of]> | Promise<ReturnType<Preparations[Of]>>;
}

/** In this thread: for models whose tokenizer no other thread can have. */
export function readHere(reader: PromptReader): RequestReader {
  return {
    prepare: (kind, body, rules) =>
      preparations[kind](body, reader, rules) as ReturnType<Preparations[typeof kind]>,
  };
}

/**
 * Bytes of a request that are read without another thread: some 130 messages, or a text of 700 words. They take a few
 * milliseconds, and do not wait behind longer ones.
 */
const shortBody = 4096;

/** @param beside for requests that may take long */
export function readBySize(here: RequestReader, beside: RequestReader): RequestReader {
  return {
    prepare: (kind, body, rules) => (body.byteLength <= shortBody ? here : beside).prepare(kind, body, rules),
  };
}
