// The file of `moeq logits`: a JSON list of rows of token ids, each row a sequence of its own.
import { readFile } from 'node:fs/promises';
import { MoeqError, quote } from '@moeq/tensors';

/** @throws MoeqError when the file cannot be read, or as `parseTokenIds` */
export async function readTokenIds(path: string): Promise<readonly (readonly number[])[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fault(path, 'no file that can be read', cause);
  });
  return parseTokenIds(text, path);
}

/**
 * @param path for messages
 * @throws MoeqError when it is no such list, a row is empty or not as long as the first, or an id is no whole number from 0
 */
export function parseTokenIds(text: string, path: string): readonly (readonly number[])[] {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (cause) {
    throw fault(path, `text that begins with ${quote(text, 24)}`, cause);
  }
  if (!Array.isArray(rows) || rows.length === 0) throw fault(path, quote(rows));
  return rows.map((row: unknown, index) => {
    if (!Array.isArray(row) || row.length === 0) throw fault(path, `${quote(row)} as row ${index}`);
    if (row.length !== rows[0].length)
      throw fault(path, `${rows[0].length} ids in row 0 and ${row.length} in row ${index}`);
    const bad: unknown = row.find((id) => !Number.isSafeInteger(id) || id < 0);
    if (bad !== undefined) throw fault(path, `${quote(bad)} in row ${index}`);
    return row as readonly number[];
  });
}

function fault(subject: string, found: string, cause?: unknown): MoeqError {
  const expected = 'a JSON list of rows of token ids, all of one length, at least 1';
  return new MoeqError({ operation: 'read token ids', subject, expected, found, cause });
}
