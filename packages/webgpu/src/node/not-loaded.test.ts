import { expect, test } from 'vitest';
import { notLoaded } from './not-loaded.js';

const missing = (name: string) =>
  Object.assign(new Error(`Cannot find package '${name}' imported from /app/node.js`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });

test('a package that is not there has a code of its own, and no advice', () => {
  const cause = missing('webgpu');
  expect(notLoaded(cause)).toMatchObject({
    code: 'notInstalled',
    message: 'WebGPU: cannot start: expected the package webgpu, found that it is not installed',
    cause,
  });
});

test.each<[what: string, cause: unknown, reason: string]>([
  [
    'misses a package of its own',
    missing('webgpu-libraries'),
    "Cannot find package 'webgpu-libraries' imported",
  ],
  ['is made for another system', new Error('dawn.node: invalid ELF header'), 'dawn.node: invalid ELF header'],
])('one that is there and %s is no adapter', (_, cause, reason) => {
  expect(notLoaded(cause)).toMatchObject({ code: 'noAdapter', cause });
  expect(notLoaded(cause).found).toContain(reason);
});
