// The choices of one chat request as they are generated: messages, log probabilities, and how each ends.
import type { GeneratedPiece, GenerationResult } from '@moeq/runtime';
import type { ChatFormat } from './chat-format.js';
import { type ChatLogprob, chatLogprob, ShownLogprobs } from './logprobs.js';
import { finishReason } from './openai.js';
import { MessageReader } from './reply.js';
import type { Ready } from './served-model.js';

export class ChatChoices {
  readonly #choices: readonly { readonly reader: MessageReader; readonly shown: ShownLogprobs }[];
  readonly #ready: Ready;

  constructor(count: number, format: ChatFormat, ready: Ready) {
    this.#ready = ready;
    this.#choices = Array.from({ length: count }, () => ({
      reader: new MessageReader(format),
      shown: new ShownLogprobs(ready.model),
    }));
  }

  get count(): number {
    return this.#choices.length;
  }

  reader(index: number): MessageReader {
    return this.#at(index).reader;
  }

  /** Of the tokens that a piece shows. */
  logprobs(piece: GeneratedPiece, index: number): ChatLogprob[] {
    const entries = this.#at(index).shown.take(piece);
    return entries.map((entry) => chatLogprob(this.#ready.model.tokenizer, entry));
  }

  /** The finish_reason of a choice: `tool_calls` for one with calls. */
  reason({ finishReason: reason }: GenerationResult, index: number): string {
    const given = finishReason(reason);
    return given === 'stop' && this.reader(index).toolCalls.length > 0 ? 'tool_calls' : given;
  }

  #at(index: number) {
    const choice = this.#choices[index];
    if (choice === undefined) throw new RangeError(`a request has no choice ${index}`);
    return choice;
  }
}
