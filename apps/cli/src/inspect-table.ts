// What `moeq inspect` prints: one line on the model, one row a role, and on request one row a tensor.

import type { CheckpointSummary, TensorSummary } from '@moeq/convert';
import { counted, elementCount, formatBytes, formatCount } from '@moeq/tensors';
import { bar } from './format.js';
import { type Output, painter } from './io.js';
import { grid } from './table.js';

/** @returns the lines, the last one ending in a line feed */
export function inspectTable(
  summary: CheckpointSummary,
  options: { tensors: boolean },
  stream: Output,
): string {
  const paint = painter(stream);
  const { architecture, parameters, activeParameters, layers, experts, bytes, bitsPerWeight } = summary;
  const counts = [
    `${formatCount(parameters)} parameters, ${formatCount(activeParameters)} active`,
    counted(layers, 'layer'),
    experts.routed === 0 ? 'no experts' : `${counted(experts.routed, 'expert')}, ${experts.perToken} a token`,
    ...(experts.shared === 0 ? [] : ['a shared expert']),
  ].join(' · ');
  const roles = [...new Set(summary.tensors.map(({ role }) => role))].sort(
    (a, b) => (bytes.byRole[b] ?? 0) - (bytes.byRole[a] ?? 0),
  );
  const rows = roles.map((role) => {
    const own = summary.tensors.filter((tensor) => tensor.role === role);
    const size = bytes.byRole[role] ?? 0;
    return [
      role,
      [...new Set(own.map(storedAs))].join(' '),
      String(own.length),
      formatCount(own.reduce((sum, tensor) => sum + count(tensor), 0)),
      (bitsPerWeight.byRole[role] ?? 0).toFixed(2),
      formatBytes(size),
      paint('cyan', bar(size / Math.max(bytes.total, 1), 24)),
    ];
  });
  const all = ['all', '', String(summary.tensors.length), formatCount(parameters)];
  const footer = [...all, bitsPerWeight.total.toFixed(2), formatBytes(bytes.total), ''];
  const table = grid({
    head: ['role', 'stored as', 'tensors', 'parameters', 'bits', 'bytes', ''],
    rows: [...rows, footer.map((text) => paint('bold', text))],
    align: 'llrrrrl',
    paint,
  });
  const list = options.tensors ? `\n${tensorTable(summary.tensors, paint)}\n` : '';
  return `\n  ${paint('bold', architecture)}  ${counts}\n\n${table}\n${list}\n`;
}

function tensorTable(tensors: readonly TensorSummary[], paint: ReturnType<typeof painter>): string {
  return grid({
    head: ['tensor', 'role', 'stored as', 'shape', 'bytes'],
    rows: tensors.map((tensor) => [
      tensor.name,
      tensor.role,
      storedAs(tensor),
      tensor.shape.join(' × '),
      formatBytes(tensor.bytes),
    ]),
    align: 'lllrr',
    paint,
  });
}

const storedAs = (tensor: TensorSummary): string => ('dtype' in tensor ? tensor.dtype : tensor.format);

const count = ({ shape }: TensorSummary): number => elementCount(shape);
