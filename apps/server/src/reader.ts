// Who prepares requests: this thread, or one beside it that knows the same model.
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
