// Tables without rules: columns divided by two blanks, a dim head, everything indented by two.
import Table from 'cli-table3';
import type { painter } from './io.js';

const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

interface Grid {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** One letter a column: `l` left, `r` right. */
  readonly align: string;
  readonly paint: ReturnType<typeof painter>;
}

/** @returns the lines, without a line feed at the end and without blanks at the ends of lines */
export function grid({ head, rows, align, paint }: Grid): string {
  const table = new Table({
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: [...align].map((letter) => (letter === 'r' ? 'right' : 'left')),
  });
  table.push(head.map((text) => paint('dim', text)));
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}
