import { stripVTControlCharacters } from 'node:util';
import type { QuantizeReport } from '@moeq/convert';
import { expect, test, vi } from 'vitest';
import { roleTable } from './role-table.js';
import { Recorder } from './testkit/capture.js';

const row = { tensors: 1, bytesIn: 0, bitsPerWeight: 0 };

const report: QuantizeReport = {
  out: 'out/tiny',
  recipe: 'nf4',
  form: 'bitsandbytes',
  bytes: { in: 25_000_000, out: 11_900_000 },
  seconds: 12.5,
  peakRssBytes: 97_000_000,
  coverage: { expertBytesQuantized: 18_000_000, expertBytesTotal: 20_000_000, fraction: 0.9 },
  errors: {
    byRole: { expert: 0.0912 },
    worst: [
      {
        name: 'experts.down',
        role: 'expert',
        format: 'nf4-dq',
        matrix: 3,
        relativeError: 0.1,
        bitsPerWeight: 4,
      },
    ],
  },
  files: [{ path: 'model.safetensors', bytes: 12_000_000, sha256: '' }],
  byRole: [
    { ...row, role: 'norm', stored: ['BF16'], parameters: 3000, bytesOut: 6000, relativeError: 0 },
    { ...row, role: 'router', stored: ['F32'], parameters: 10_000, bytesOut: 40_000, relativeError: 0 },
    {
      ...row,
      role: 'expert',
      stored: ['nf4-dq', 'BF16'],
      parameters: 10_000_000,
      bytesOut: 6_866_000,
      relativeError: 0.0912,
    },
    {
      ...row,
      role: 'attention',
      stored: ['BF16'],
      parameters: 500_000,
      bytesOut: 1_000_000,
      relativeError: 0,
    },
    {
      ...row,
      role: 'embedding',
      stored: ['BF16'],
      parameters: 1_000_000,
      bytesOut: 2_000_000,
      relativeError: 0,
    },
    { ...row, role: 'head', stored: ['BF16'], parameters: 1_000_000, bytesOut: 2_000_000, relativeError: 0 },
  ],
  warnings: [],
  notes: [],
};

test('one row a role, four bars on one scale, and what was done', () => {
  expect(roleTable(report, new Recorder())).toMatchInlineSnapshot(`
    "
      role       stored as    parameters   bits   error  16 bits   8 bits   4 bits  written
      expert     nf4-dq BF16      10.0 M   5.49  9.12 %  20.0 MB  10.0 MB  5.00 MB  6.87 MB
      embedding  BF16             1.00 M  16.00   exact  2.00 MB  1.00 MB   500 kB  2.00 MB
      head       BF16             1.00 M  16.00   exact  2.00 MB  1.00 MB   500 kB  2.00 MB
      attention  BF16              500 k  16.00   exact  1.00 MB   500 kB   250 kB  1.00 MB
      router     F32              10.0 k  32.00   exact  20.0 kB  10.0 kB  5.00 kB  40.0 kB
      norm       BF16             3.00 k  16.00   exact  6.00 kB  3.00 kB  1.50 kB  6.00 kB
      all                         12.5 M   7.62          25.0 MB  12.5 MB  6.26 MB  11.9 MB

        16 bits  ██████████████████████████████████████████████▓▓▓▓▓▒▒▒▒▒░░  25.0 MB
         8 bits  ███████████████████████▓▓▒▒▒░                               12.5 MB
         4 bits  ████████████▓▒▞                                             6.26 MB
        written  ████████████████▓▓▓▓▓▒▒▒▒░░░                                11.9 MB  47.6 % of 16 bits
                 █ expert   ▓ embedding   ▒ head   ░ attention   ▞ router, norm

       coverage  90.0 % of the expert weights quantized, 18.0 MB of 20.0 MB
          worst  10.00 % error in experts.down, expert 3
           took  12.5 s, 2.00 MB/s, at most 97.0 MB of memory
          wrote  out/tiny  12.0 MB in 1 file, bitsandbytes form
    "
  `);
});

test.each([60, 80, 100, 200])('no line is wider than a terminal of %i columns', (columns) => {
  const lines = roleTable(report, new Recorder({ columns })).split('\n');
  const bars = lines.filter((line) => /^\s+(16 bits|8 bits|4 bits|written)\s+█/.test(line));
  expect(bars).toHaveLength(4);
  for (const line of bars) expect(line.length).toBeLessThanOrEqual(Math.max(columns, 78));
});

test('bars are in the proportion of their bytes', () => {
  const lines = roleTable(report, new Recorder({ columns: 120 })).split('\n');
  const cells = (label: string) =>
    (lines.find((line) => line.trimStart().startsWith(`${label}  █`)) ?? '').match(/[█▓▒░▞]/g)?.length ?? 0;
  const whole = cells('16 bits');
  expect(Math.abs(cells('8 bits') - whole / 2)).toBeLessThanOrEqual(1);
  expect(Math.abs(cells('4 bits') - whole / 4)).toBeLessThanOrEqual(1);
  expect(Math.abs(cells('written') - (whole * 11.912) / 25.026)).toBeLessThanOrEqual(1);
});

test('without experts, with nothing written, and with colour it still is a table', () => {
  const empty = { ...report, byRole: [], files: [], errors: { byRole: {}, worst: [] } };
  expect(roleTable(empty, new Recorder())).toContain('0 B');
  const plain = roleTable(report, new Recorder());
  vi.stubEnv('NO_COLOR', undefined);
  vi.stubEnv('FORCE_COLOR', '1');
  const colored = roleTable(report, new Recorder({ isTTY: true }));
  vi.unstubAllEnvs();
  expect(colored).toContain('\u001b[36m');
  expect(stripVTControlCharacters(colored)).toBe(plain);
});
