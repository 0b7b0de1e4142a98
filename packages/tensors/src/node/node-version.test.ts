import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { assertNode } from './node-version.js';

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test('the least version is that of `engines`', () => {
  const [major, minor] = engines.node.replace('>=', '').split('.').map(Number);
  expect(() => assertNode(`${major}.${minor}.0`)).not.toThrow();
  expect(() => assertNode(`${major + 1}.0.0`)).not.toThrow();
  for (const version of [`${major}.${minor - 1}.9`, `${major - 1}.99.0`])
    expect(() => assertNode(version)).toThrow(
      `moeq: cannot start: expected Node ${major}.${minor} or later, found ${version}`,
    );
});
