// Roles for a checkpoint whose architecture is not known, proposed from shapes and names for a person to confirm.
import type { Role } from '@moeq/quantizers';
import { isObject } from '@moeq/tensors';
import { openStoredTensors } from '../checkpoint/stored-tensors.js';
import { isKnownModelType } from '../config/architectures.js';
import type { FileSet, StoredTensor } from '../files/file-set.js';
import { maxConfigBytes, readJsonObject } from '../files/json.js';
import { numbersOf, patternOf } from './name-pattern.js';
import { modulesOfExperts, roleOf } from './rules.js';

export interface ProposedRole {
  /** Of names, with `{layer}` and `{expert}` for numbers. */
  readonly pattern: string;
  readonly role: Role;
  /** Of the first tensor of the pattern. */
  readonly shape: readonly number[];
  readonly tensors: number;
  readonly bytes: number;
}

export interface RoleProposal {
  readonly modelType: string;
  readonly proposed: readonly ProposedRole[];
}

/** What configurations call the number of experts. */
const expertFields = [
  'num_experts',
  'n_routed_experts',
  'num_local_experts',
  'moe_num_experts',
  'num_moe_experts',
];

/**
 * @returns null for a model type that is known, whose roles nothing needs to propose, and for a GGUF file
 * @throws MoeqError for files that are no checkpoint
 */
export async function proposeRoles(files: FileSet): Promise<RoleProposal | null> {
  if (files.container !== undefined) return null;
  const config = await readJsonObject(files, 'config.json', maxConfigBytes);
  if (config === null || isKnownModelType(config)) return null;
  const { tensors, close } = await openStoredTensors(files);
  try {
    const { model_type: modelType } = config;
    return {
      modelType: typeof modelType === 'string' ? modelType : 'none',
      proposed: proposalOf([...tensors.values()], config),
    };
  } finally {
    await close();
  }
}

/** @param config of the whole model; numbers may stand in parts of it */
export function proposalOf(
  stored: readonly Pick<StoredTensor, 'name' | 'shape' | 'bytes'>[],
  config: Readonly<Record<string, unknown>>,
): ProposedRole[] {
  const groups = [...Map.groupBy(stored, ({ name }) => patternOf(name))].map(([pattern, own]) => ({
    pattern,
    shape: own[0]?.shape ?? [],
    tensors: own.length,
    bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
  const listed = stored.reduce((most, { name }) => Math.max(most, (numbersOf(name).expert ?? -1) + 1), 0);
  const experts = fieldOf(config, expertFields) ?? listed;
  const facts = {
    vocabulary: fieldOf(config, ['vocab_size']),
    experts,
    expertModules: modulesOfExperts(groups, experts),
    matrices: new Set(groups.filter(({ shape }) => shape.length === 2).map(({ pattern }) => pattern)),
  };
  return groups.map((group) => ({ ...group, role: roleOf(group, facts) }));
}

/** The first number under one of the names, of the file or of a part of it. */
function fieldOf(config: Readonly<Record<string, unknown>>, names: readonly string[]): number | null {
  for (const name of names) if (typeof config[name] === 'number') return config[name];
  for (const part of Object.values(config)) {
    const found = isObject(part) ? fieldOf(part, names) : null;
    if (found !== null) return found;
  }
  return null;
}
