// A request's JSON: valid UTF-8, valid JSON, nested within reason, and of the shape that a schema says.
import { isObject } from '@moeq/tensors';
import * as v from 'valibot';
import { ApiError, badField } from './api-error.js';
import { maxNesting } from './limits.js';

/** @throws ApiError 415 for what is no JSON by its headers */
export async function readBody(request: Request): Promise<ArrayBuffer> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError({ status: 415, message: 'The content type of a request is application/json.' });
  }
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new ApiError({ status: 415, message: 'A request is sent as it is, without a content encoding.' });
  }
  return request.arrayBuffer();
}

/** @throws ApiError 400 saying what the body is instead */
export function parseBody(bytes: ArrayBuffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError({ status: 400, message: 'The body is no valid UTF-8.', code: 'invalid_utf8' });
  }
  if (nesting(text) > maxNesting) {
    throw new ApiError({
      status: 400,
      message: `The body is nested more than ${maxNesting} deep.`,
      code: 'invalid_json',
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : '';
    throw new ApiError({
      status: 400,
      message: `The body is no valid JSON: ${message}.`,
      code: 'invalid_json',
    });
  }
}

/** @throws ApiError 400 naming the first field that is wrong */
export function parseFields<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  if (!isObject(value)) {
    throw new ApiError({ status: 400, message: 'The body has to be a JSON object.' });
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = pathOf(issue);
  if (issue.input === undefined) throw badField(param, 'required and absent', 'missing_field');
  const expected = issue.message.startsWith('Invalid ') ? `expected ${inWords(issue)}` : issue.message;
  throw badField(param, `${expected}, found ${shown(issue.input)}`, 'invalid_value');
}

/** E.g. `messages[0].content`. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).reduce((path, { key }) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return path === '' ? String(key) : `${path}.${String(key)}`;
  }, '');
}

function inWords({ expected, type }: v.BaseIssue<unknown>): string {
  return (expected ?? type)
    .replaceAll('|', 'or')
    .replace(/^Array$/, 'a list')
    .replace(/^Object$/, 'an object')
    .replaceAll('"', "'")
    .replace('>=', 'at least ')
    .replace('<=', 'at most ');
}

/** The beginning of a value: an error never sends a whole prompt back. */
function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Depth of brackets outside strings. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return deepest;
}
