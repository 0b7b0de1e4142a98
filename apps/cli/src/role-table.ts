// The table that a quantize run ends with: one row a role, and four bars of the whole model, in 16, 8 and 4 bits and as
// written, each stacked by role, so that what the recipe bought and what it left alone are seen at a glance.

import type { QuantizeReport, RoleSummary } from '@moeq/convert';
import { counted, formatBytes, formatCount } from '@moeq/tensors';
import { formatError, formatSeconds, formatShare } from './format.js';
import { type Io, note, type Output, painter, printJson, warn, widthOf } from './io.js';
import { grid } from './table.js';

type Paint = ReturnType<typeof painter>;

/** Colours of the roles, largest first; the glyphs tell them apart where there is no colour. */
const patterns = [
  { color: 'cyan', glyph: '█' },
  { color: 'magenta', glyph: '▓' },
  { color: 'blue', glyph: '▒' },
  { color: 'yellow', glyph: '░' },
  { color: 'green', glyph: '▞' },
] as const;

/** What a conversion says at its end: notes and warnings, and the table or the document. */
export function printReport(io: Io, report: QuantizeReport, json: boolean): void {
  for (const text of report.notes) note(io, `note: ${text}`);
  for (const text of report.warnings) warn(io, text);
  if (json) printJson(io, documentOf(report));
  else io.stdout.write(roleTable(report, io.stdout));
}

/** The fields that the command promises; what the table shows besides is for the table. */
function documentOf({ out, recipe, bytes, seconds, peakRssBytes, coverage, errors, files }: QuantizeReport) {
  return { out, recipe, bytes, seconds, peakRssBytes, coverage, errors, files };
}

/** @returns the lines, the last one ending in a line feed */
export function roleTable(report: QuantizeReport, stream: Output): string {
  const paint = painter(stream);
  const rows = [...report.byRole].sort((a, b) => b.parameters - a.parameters);
  return [
    '',
    table(rows, paint),
    '',
    ...bars(rows, widthOf(stream), paint),
    '',
    ...closing(report, paint),
    '',
  ].join('\n');
}

function table(rows: readonly RoleSummary[], paint: Paint): string {
  const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
  const bytesOut = rows.reduce((sum, row) => sum + row.bytesOut, 0);
  const all = cells({ parameters, bytesOut }, 'all', '', '').map((text) => paint('bold', text));
  const body = rows.map((row) => {
    const error = formatError(row.relativeError);
    return cells(row, row.role, row.stored.join(' '), error === 'exact' ? paint('dim', error) : error);
  });
  return grid({
    head: ['role', 'stored as', 'parameters', 'bits', 'error', '16 bits', '8 bits', '4 bits', 'written'],
    rows: [...body, all],
    align: 'llrrrrrrr',
    paint,
  });
}

function cells(
  { parameters, bytesOut }: Pick<RoleSummary, 'parameters' | 'bytesOut'>,
  name: string,
  stored: string,
  error: string,
): string[] {
  const bits = parameters === 0 ? '' : ((8 * bytesOut) / parameters).toFixed(2);
  const inBits = [16, 8, 4].map((width) => formatBytes((parameters * width) / 8));
  return [name, stored, formatCount(parameters), bits, error, ...inBits, formatBytes(bytesOut)];
}

function bars(rows: readonly RoleSummary[], width: number, paint: Paint): string[] {
  const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
  const written = rows.reduce((sum, row) => sum + row.bytesOut, 0);
  const longest = Math.max(2 * parameters, written, 1);
  const room = Math.max(width - 42, 20);
  const line = (label: string, bytesOf: (row: RoleSummary) => number, tail = '') => {
    const total = rows.reduce((sum, row) => sum + bytesOf(row), 0);
    const drawn = stack(rows.map(bytesOf), longest, room, paint);
    return `  ${label.padStart(9)}  ${drawn}  ${formatBytes(total).padStart(7)}${tail}`;
  };
  const share =
    parameters === 0 ? '' : paint('dim', `  ${formatShare(written / (2 * parameters))} of 16 bits`);
  const legend = patterns.map((_, index) => legendOf(rows, index, paint)).join('');
  return [
    line('16 bits', (row) => row.parameters * 2),
    line('8 bits', (row) => row.parameters),
    line('4 bits', (row) => row.parameters / 2),
    line('written', (row) => row.bytesOut, share),
    `             ${legend.trimEnd()}`,
  ];
}

/** The roles that share one pattern: the last one has all that are left. */
function legendOf(rows: readonly RoleSummary[], index: number, paint: Paint): string {
  const own = rows
    .slice(index, index === patterns.length - 1 ? undefined : index + 1)
    .map(({ role }) => role);
  return own.length === 0 ? '' : `${segmentOf(index, paint)} ${own.join(', ')}   `;
}

/** Segments end where the running sum says, so that rounding never adds up. */
function stack(parts: readonly number[], longest: number, room: number, paint: Paint): string {
  let sum = 0;
  let drawn = 0;
  const segments = parts.map((part, index) => {
    sum += part;
    const end = Math.round((sum / longest) * room);
    const segment = segmentOf(index, paint, end - drawn);
    drawn = end;
    return segment;
  });
  return segments.join('') + ' '.repeat(room - drawn);
}

function segmentOf(index: number, paint: Paint, length = 1): string {
  const { color, glyph } = patterns[Math.min(index, patterns.length - 1)] ?? patterns[0];
  return length === 0 ? '' : paint(color, glyph.repeat(length));
}

function closing(report: QuantizeReport, paint: Paint): string[] {
  const { coverage, bytes, errors, files } = report;
  const label = (text: string) => paint('dim', text.padStart(9));
  const quantized = `${formatBytes(coverage.expertBytesQuantized)} of ${formatBytes(coverage.expertBytesTotal)}`;
  const covered =
    coverage.expertBytesTotal === 0
      ? 'no expert weights'
      : `${formatShare(coverage.fraction)} of the expert weights quantized, ${quantized}`;
  const lines = [`  ${label('coverage')}  ${covered}`];
  const [worst] = errors.worst;
  if (worst !== undefined) {
    const matrix = worst.matrix === undefined ? '' : `, expert ${worst.matrix}`;
    lines.push(`  ${label('worst')}  ${formatError(worst.relativeError)} error in ${worst.name}${matrix}`);
  }
  const rate = `${formatSeconds(report.seconds)}, ${formatBytes(bytes.in / Math.max(report.seconds, 1e-3))}/s`;
  lines.push(`  ${label('took')}  ${rate}, at most ${formatBytes(report.peakRssBytes)} of memory`);
  const size = formatBytes(files.reduce((sum, file) => sum + file.bytes, 0));
  lines.push(
    `  ${label('wrote')}  ${report.out}  ${paint('dim', `${size} in ${counted(files.length, 'file')}, ${report.form} form`)}`,
  );
  return lines;
}
