// Imports run one way. The order below is the architecture; a package may depend only on packages before it, and never on
// those that `without` names. Undeclared dependencies do not resolve (pnpm) and are an error of the linter.
import { readdirSync, readFileSync } from 'node:fs';

const order = [
  'tensors',
  'quantizers',
  'router',
  'grammar',
  'kernels',
  'wasm',
  'webgpu',
  'runtime',
  'tiny-moe',
  'loader',
  'convert',
  'evaluate',
];
const without = {
  router: ['quantizers'],
  grammar: ['quantizers', 'router'],
  kernels: ['quantizers'],
  wasm: ['quantizers'],
  webgpu: ['quantizers', 'wasm'],
  runtime: ['quantizers', 'wasm', 'webgpu'],
  loader: ['wasm', 'webgpu'],
  convert: ['wasm', 'webgpu'],
  evaluate: ['wasm', 'webgpu'],
};

const root = new URL('../packages/', import.meta.url);
const problems = [];
for (const name of readdirSync(root)) {
  const position = order.indexOf(name);
  if (position < 0) {
    problems.push(`packages/${name} has no place in scripts/check-arrows.mjs`);
    continue;
  }
  const manifest = JSON.parse(readFileSync(new URL(`${name}/package.json`, root), 'utf8'));
  const siblings = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    .filter((dependency) => dependency.startsWith('@moeq/'))
    .map((dependency) => dependency.slice('@moeq/'.length));
  for (const sibling of siblings) {
    const allowed = order.indexOf(sibling) >= 0 && order.indexOf(sibling) < position;
    if (!allowed || without[name]?.includes(sibling)) {
      problems.push(`packages/${name} must not depend on packages/${sibling}`);
    }
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
