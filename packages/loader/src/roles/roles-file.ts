// Roles that a person has confirmed, as a file holds them: each pattern of names and its role.
//
//   { "model_type": "mine", "roles": { "model.layers.{layer}.mlp.gate.weight": "router", … } }
import { type Role, roles } from '@moeq/quantizers';
import { MoeqError, quote } from '@moeq/tensors';
import * as v from 'valibot';
import { explain } from '../config/config.js';
import type { RoleProposal } from './propose-roles.js';

export interface TensorRoles {
  /** Of config.json. */
  readonly model_type: string;
  /** Of patterns of names, all that the checkpoint has. */
  readonly roles: Readonly<Record<string, Role>>;
}

const schema = v.strictObject({
  model_type: v.string(),
  roles: v.record(v.string(), v.picklist(roles, `one of ${roles.join(', ')}`)),
});

/** The text of the file that confirms a proposal. */
export function rolesText({ modelType, proposed }: RoleProposal): string {
  const own: TensorRoles = {
    model_type: modelType,
    roles: Object.fromEntries(proposed.map(({ pattern, role }) => [pattern, role])),
  };
  return `${JSON.stringify(own, null, 2)}\n`;
}

/**
 * @param file for messages
 * @throws MoeqError for what is no such object, or a role that does not exist
 */
export function parseRoles(value: unknown, file: string): TensorRoles {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new MoeqError({ operation: 'read the roles', subject: file, ...explain(result.issues[0]) });
}

/** @throws MoeqError for text that is no JSON, too */
export function parseRolesText(text: string, file: string): TensorRoles {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const found = quote(text, 40);
    throw new MoeqError({ operation: 'read the roles', subject: file, expected: 'JSON', found, cause });
  }
  return parseRoles(value, file);
}
