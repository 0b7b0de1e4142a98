// What a user of the command can type about an error: libraries say what is wrong, this file says which option changes it.
import { type ErrorCode, MoeqError } from '@moeq/tensors';

const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  linkOutside: '--allow-links follows it',
  notInstalled: 'npm install webgpu adds it, with --global for a global moeq',
  outOfMemory: 'a recipe of fewer bits (--recipe int4) or --backend cpu needs less of its memory',
  limit: 'a recipe of fewer bits (--recipe int4) or --backend cpu needs no buffer of that size',
  outputExists: '--overwrite replaces it',
  routerQuantization: '--allow-router-quantization gives leave',
  unknownQuantizer: '--plugin loads a quantizer of your own',
  partOfCheckpoint: 'moeq merge makes a checkpoint of all parts',
  noTokenizer: 'moeq logits runs the model on token ids',
  noChatTemplate: 'moeq generate continues a text without one',
  addressInUse: '--port takes another, 0 any free one',
  addressUnknown: '--host takes an address of this machine, such as 127.0.0.1',
  apiKeyMissing: '--api-key or MOEQ_API_KEY gives one',
};

/** Options of the libraries, and what the command calls them. */
const optionNames: Readonly<Record<string, string>> = {
  contextLength: '--context',
  kvCacheTokens: '--cache-tokens',
  window: '--window',
  stride: '--stride',
  maxTokens: '--max-tokens',
  promptTokens: '--prompt-tokens',
  decodeTokens: '--decode-tokens',
  repetitions: '--repetitions',
  maxNewTokens: '--tokens',
  temperature: '--temperature',
  topK: '--top-k',
  topP: '--top-p',
  minP: '--min-p',
  repetitionPenalty: '--repetition-penalty',
  seed: '--seed',
  stopStrings: '--stop',
  threads: '--threads',
};

/** @returns the message of the error in the words of the command line, and what to type about it */
export function inWordsOfTheCommand(error: MoeqError): string {
  const { code } = error;
  const text = code === undefined ? undefined : advice[code];
  const { message } = code === 'invalidOption' ? inOptionNames(error) : error;
  return text === undefined ? message : `${message}; ${text}`;
}

function inOptionNames({ operation, subject, expected, found }: MoeqError): MoeqError {
  const named = subject.replace(/\b\w+\b/g, (word) =>
    Object.hasOwn(optionNames, word) ? (optionNames[word] ?? word) : word,
  );
  return new MoeqError({ operation, subject: named, expected, found });
}
