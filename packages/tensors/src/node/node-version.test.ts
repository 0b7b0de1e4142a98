import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { assertNode } from './node-version.js';

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test('the least version is that of `engines`', () => {
  const [major, minor] = engines.node.replace('>=', '').split('.').map(Number);
  expect(() => assertNode(`${major}.${minor}.0`)).not.toThrow();
  expect(() => assertNode(`${major + 1}.0.0`)).not.toThrow();
  for (const version of [`${major}.${minor - 1}.9`, `${major - 1}.99.0`])
    expect(() => assertNode(version)).toThrow(
      `moeq: cannot load: expected Node ${major}.${minor} or later, found ${version}`,
    );
});

test('the built entry point for Node does not load on an older one', () => {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '20.18.1' })`;
  const entry = fileURLToPath(new URL('../../dist/node.js', import.meta.url));
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${pretend}`, entry],
    { encoding: 'utf8' },
  );
  expect(status).toBe(1);
  expect(stderr).toContain('MoeqError: moeq: cannot load: expected Node 22.12 or later, found 20.18.1');
});
