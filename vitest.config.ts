// Tests run on the sources: the aliases below stand for the built entry points of the packages.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { ClosingLine } from './scripts/closing-line.ts';
import { SlowFirst } from './scripts/slow-first.ts';

const apps = fileURLToPath(new URL('./apps/', import.meta.url));
const packages = fileURLToPath(new URL('./packages/', import.meta.url));

/** Test files that want a process of their own: modules are mocked or loaded anew, or threads and devices end with it. */
const alone = [
  'packages/{wasm,webgpu}/src/**/*.test.ts',
  'packages/tensors/src/errors.test.ts',
  'packages/tensors/src/node/partial-name.test.ts',
  'apps/cli/src/integration/*.test.ts',
  'examples/**/*.test.ts',
  'fuzz/*.test.ts',
  'scripts/*.test.ts',
  'bench/**/*.test.ts',
];

/** Of all random inputs; scripts/seeded-random.ts. */
const { MOEQ_SEED: seed = String(Math.floor(Math.random() * 2 ** 32)) } = process.env;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@moeq\/server$/, replacement: `${apps}server/src/index.ts` },
      { find: /^@moeq\/server\/node$/, replacement: `${apps}server/src/node.ts` },
      { find: /^@moeq\/([a-z-]+)$/, replacement: `${packages}$1/src/index.ts` },
      { find: /^@moeq\/([a-z-]+)\/([a-z-]+)$/, replacement: `${packages}$1/src/$2.ts` },
    ],
  },
  test: {
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      {
        extends: true,
        test: {
          name: 'together',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...alone],
          // a third of the time would go into the same modules again
          isolate: false,
        },
      },
    ],
    expect: { requireAssertions: true, poll: { timeout: 60_000 } },
    setupFiles: ['scripts/seeded-random.ts'],
    sequence: { sequencer: SlowFirst },
    env: { MOEQ_SEED: seed },
    // one more than Vitest takes: half of a small machine would wait otherwise
    maxWorkers: availableParallelism(),
    // only what hangs runs into these: an idle machine needs a tenth of them at most
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', new ClosingLine(seed)],
  },
});
