// Validation of what people write: options of quantizers, recipes, layouts from a file. valibot finds the fault, one
// MoeqError tells it. A key that the schema does not know is a fault, and the sentence lists the known ones.
import { MoeqError, quote } from '@moeq/tensors';
import * as v from 'valibot';

/** An object of these entries and no others. */
export function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? `only ${Object.keys(entries).join(', ') || 'no keys at all'}`
      : (issue.expected ?? ''),
  );
}

/**
 * The value in the schema's type.
 * @param subject what the value is, for the message, e.g. `nf4 options`
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
  const unknownKey = issue.type === 'strict_object' && issue.expected === 'never';
  throw new MoeqError({
    operation,
    subject: path === null || unknownKey ? subject : `${subject}: ${path}`,
    expected: issue.kind === 'schema' && !unknownKey ? (issue.expected ?? issue.message) : issue.message,
    found: unknownKey
      ? `key ${quote(path)}`
      : issue.kind === 'schema'
        ? quote(issue.input)
        : quote(issue.input),
  });
}

/** Of a union that failed, the fault inside the member that came furthest says most. */
function deepest(issue: v.BaseIssue<unknown>): v.BaseIssue<unknown> {
  const inner = issue.issues?.filter((candidate) => (candidate.path?.length ?? 0) > 0);
  const best = inner?.sort((a, b) => (b.path?.length ?? 0) - (a.path?.length ?? 0))[0];
  if (best === undefined) return issue;
  const path = [...(issue.path ?? []), ...(best.path ?? [])] as unknown as v.BaseIssue<unknown>['path'];
  return deepest({ ...best, path } as v.BaseIssue<unknown>);
}
