// What a user of the command can type about an error: libraries say what is wrong, this file says which option changes it.
import type { ErrorCode, MoeqError } from '@moeq/tensors';

const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  linkOutside: '--allow-links follows it',
  outOfMemory: 'a recipe of fewer bits (--recipe int4) or --backend cpu needs less of its memory',
  limit: 'a recipe of fewer bits (--recipe int4) or --backend cpu needs no buffer of that size',
};

/** @returns what follows the message of the error, or nothing */
export function adviceOn({ code }: MoeqError): string {
  const text = code === undefined ? undefined : advice[code];
  return text === undefined ? '' : `; ${text}`;
}
