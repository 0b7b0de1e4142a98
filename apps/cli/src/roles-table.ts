// What is printed of a model type that is not known: the role that each tensor seems to have, one row a pattern of names.
import type { RoleProposal } from '@moeq/loader';
import { formatBytes } from '@moeq/tensors';
import { type Output, painter } from './io.js';
import { grid } from './table.js';

/** @returns the lines, the last one ending in a line feed */
export function proposalTable({ modelType, proposed }: RoleProposal, stream: Output): string {
  const paint = painter(stream);
  const rows = proposed.map(({ pattern, role, shape, tensors, bytes }) => [
    pattern,
    role,
    shape.join(' × '),
    String(tensors),
    formatBytes(bytes),
  ]);
  const head = ['tensors', 'proposed role', 'shape', 'number', 'bytes'];
  const table = grid({ head, rows, align: 'lllrr', paint });
  return `\n  ${paint('bold', modelType)}  a model type that moeq does not know: roles proposed by shapes and names\n\n${table}\n\n`;
}

/** The document of `moeq inspect --json`. */
export function proposalDocument({ modelType, proposed }: RoleProposal) {
  return { modelType, proposedRoles: proposed };
}
