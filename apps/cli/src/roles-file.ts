// The file of roles that `moeq inspect` proposes and `moeq quantize` goes by.
import { readFile, writeFile } from 'node:fs/promises';
import { parseRolesText, type RoleProposal, rolesText, type TensorRoles } from '@moeq/loader';
import { MoeqError } from '@moeq/tensors';

/** @throws MoeqError for a file that cannot be read, or holds no roles */
export async function readRoles(path: string): Promise<TensorRoles> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const found = codeOf(cause);
    throw new MoeqError({ operation: 'read the roles', subject: path, expected: 'a file', found, cause });
  });
  return parseRolesText(text, path);
}

/** @throws MoeqError for a file that is there already, or cannot be written */
export async function writeRoles(path: string, proposal: RoleProposal): Promise<void> {
  await writeFile(path, rolesText(proposal), { flag: 'wx' }).catch((cause: unknown) => {
    const expected = 'a new file in a folder that can be written to';
    throw new MoeqError({
      operation: 'write the roles',
      subject: path,
      expected,
      found: codeOf(cause),
      cause,
    });
  });
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
