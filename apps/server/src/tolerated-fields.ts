// Objects of a request before it is known what they hold.
import { isObject } from '@moeq/tensors';

type Names =
  | ('arguments' | 'content' | 'function' | 'function_call' | 'messages' | 'name' | 'reasoning')
  | ('reasoning_content' | 'role' | 'seed' | 'summary' | 'text' | 'tool_call_id' | 'tool_calls' | 'type');

/** An object as it was sent; the fields that have names here may hold anything. */
export type Fields = Readonly<Record<string, unknown>> & { readonly [Name in Names]?: unknown };

export function isFields(value: unknown): value is Fields {
  return isObject(value);
}

/** Names what is read otherwise than as documented, once for each kind. */
export type Note = (path: string, how: string) => void;
