import { expect, test, vi } from 'vitest';
import { unfinishedName } from './partial-name.js';

const { hostname } = vi.hoisted(() => ({ hostname: vi.fn(() => 'a host') }));
vi.mock('node:os', () => ({ hostname }));

test('loading asks for no host name, for which Deno wants a permission; names of unfinished files have it', () => {
  expect(hostname).not.toHaveBeenCalled();
  expect(unfinishedName('/x/model', 'partial')).toMatch(
    new RegExp(`^/x/model\\.partial-a_host-${process.pid}-[0-9a-f]{8}$`),
  );
});
