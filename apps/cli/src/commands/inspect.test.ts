import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';

test('the document of tiny-moe', async () => {
  const { status, stdout, stderr } = await moeq(['inspect', '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const document = JSON.parse(stdout);
  expect(Object.keys(document)).toEqual([
    'architecture',
    'parameters',
    'activeParameters',
    'layers',
    'experts',
    'bytes',
    'bitsPerWeight',
    'tensors',
  ]);
  expect(document).toMatchObject({
    architecture: 'mixtral',
    layers: 6,
    experts: { routed: 8, perToken: 2, shared: 0 },
    bitsPerWeight: { total: 16, byRole: { expert: 16, router: 16 } },
  });
  // 6 layers of 8 experts of 3 matrices of 256 x 256, of which 2 experts are active
  const experts = 6 * 8 * 3 * 256 * 256;
  const rest = 6 * (2 * 256 * 256 + 2 * 64 * 256 + 8 * 256 + 2 * 256) + 256 + 4096 * 256;
  expect(document.parameters).toBe(experts + rest + 4096 * 256);
  expect(document.activeParameters).toBe(experts / 4 + rest);
  expect(document.bytes.byRole.expert).toBe(2 * experts);
  expect(document.bytes.total).toBe(2 * document.parameters);
  expect(document.tensors).toHaveLength(189);
  expect(document.tensors[0]).toEqual({
    name: expect.any(String),
    role: expect.any(String),
    dtype: 'BF16',
    shape: expect.any(Array),
    bytes: expect.any(Number),
  });
});

test('the table names every role and adds up to the whole; --tensors names every tensor', async () => {
  const { stdout } = await moeq(['inspect']);
  for (const role of ['expert', 'router', 'attention', 'embedding', 'head', 'norm'])
    expect(stdout).toContain(`  ${role} `);
  expect(stdout).toMatch(/all +189 +12\.5 M +16\.00 +25\.1 MB/);
  expect(stdout).not.toContain('model.layers');
  const long = await moeq(['inspect', '--tensors']);
  expect(long.stdout.match(/model\.layers\.\d+\./g)).toHaveLength(186);
  expect(long.stdout).toMatch(
    /model\.layers\.5\.block_sparse_moe\.gate\.weight +router +BF16 +8 × 256 +4\.10 kB/,
  );
});
