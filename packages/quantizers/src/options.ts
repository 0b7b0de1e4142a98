// Validation of what people write: options of quantizers, recipes, layouts from a file. valibot finds the fault, which
// becomes a MoeqError. A key that the schema does not know is a fault, and the sentence lists the known ones.
import { MoeqError, quote } from '@moeq/tensors';
import * as v from 'valibot';

const unknownKey = 'only the keys ';

/** An object of these entries and no others. */
export function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  const keys = Object.keys(entries).join(', ');
  return v.strictObject(entries, (issue) => {
    if (issue.expected === 'never') return `${unknownKey}${keys}`;
    return issue.expected === 'Object' ? `an object with the keys ${keys}` : 'a value';
  });
}

/** An object of these entries and any others. */
export function loose<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.object(entries, (issue) => (issue.expected === 'Object' ? 'an object' : 'a value'));
}

/**
 * The value in the schema's type.
 * @param subject what the value is, for the message, e.g. `nf4`
 * @throws MoeqError for the first fault, naming its path
 */
export function validate<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  operation: string,
  subject: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value, { abortEarly: true, abortPipeEarly: true });
  if (result.success) return result.output;
  const issue = deepest(result.issues[0]);
  const path = v.getDotPath(issue);
  const expected = issue.message.startsWith('Invalid ')
    ? plain(issue.expected ?? issue.message)
    : issue.message;
  const unknown = expected.startsWith(unknownKey);
  throw new MoeqError({
    operation,
    subject: path === null || unknown ? subject : `${subject}: ${path}`,
    expected,
    found: unknown ? quote(path) : describe(issue.input),
  });
}

/** valibot's notation of types in words. */
function plain(expected: string): string {
  const choices = /^\((.*)\)$/.exec(expected)?.[1];
  if (choices !== undefined) return `one of ${choices.split(' | ').join(', ')}`;
  return { Object: 'an object', Array: 'a list', Function: 'a function' }[expected] ?? expected;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' || (typeof value === 'object' && value !== null)
    ? quote(value)
    : String(value);
}

/** Of a union that failed, the fault inside the member that came furthest says most. */
function deepest(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const depth = ({ path }: v.BaseIssue<unknown>) => path?.length ?? 0;
  const [inner] = [...(issue.issues ?? [])].sort((a, b) => depth(b) - depth(a));
  if (inner === undefined || depth(inner) === 0) return issue;
  const path = [...(issue.path ?? []), ...(inner.path ?? [])];
  return deepest({ ...inner, path: path as unknown as NonNullable<typeof inner.path> });
}
