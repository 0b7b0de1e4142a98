// Imports run one way. The order below is the architecture: a package and its tests may import only packages before it, and
// never those that `without` names. Undeclared dependencies do not resolve (pnpm) and are an error of the linter.
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

/** Folders of a package that import only those before them; tests may import all. */
const floors = {
  webgpu: ['wgsl', 'device', 'weights', 'step'],
  runtime: ['rotation', 'caches', 'decoder', 'run', 'sampling', 'text', 'load', 'engine'],
};

const root = new URL('../packages/', import.meta.url);
const problems = new Set();
for (const name of readdirSync(root)) {
  const position = order.indexOf(name);
  if (position < 0) {
    problems.add(`packages/${name} has no place in scripts/check-arrows.mjs`);
    continue;
  }
  const check = (importer, sibling) => {
    if (sibling === name) return;
    const isBefore = order.includes(sibling) && order.indexOf(sibling) < position;
    if (isBefore && !without[name]?.includes(sibling)) return;
    problems.add(
      `${importer} must not import ${sibling}: it stands behind packages/${name}, or apart from it`,
    );
  };
  const folder = new URL(`${name}/`, root);
  for (const sibling of declared(new URL('package.json', folder))) check(`packages/${name}`, sibling);
  for (const file of readdirSync(new URL('src', folder), { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const url = new URL(`src/${file}`, folder);
    for (const sibling of imported(url)) check(`packages/${name}/src/${file}`, sibling);
    if (!file.endsWith('.test.ts')) checkFloors(floors[name] ?? [], url, new URL('src/', folder));
  }
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.size > 0 ? 1 : 0;

/** Packages of the workspace that a manifest names, those for development too. */
function declared(manifest) {
  const { dependencies, peerDependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8'));
  return Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies }).flatMap(packageOf);
}

/** Packages and apps of the workspace that a source file imports, by name or by path. */
function imported(file) {
  return specifiersOf(file).flatMap((specifier) =>
    specifier.startsWith('.') ? folderOf(new URL(specifier, file)) : packageOf(specifier),
  );
}

function specifiersOf(file) {
  const imports = readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g);
  return [...imports].map(([, specifier]) => specifier);
}

function packageOf(specifier) {
  return specifier.match(/^@moeq\/([a-z-]+)/)?.slice(1) ?? [];
}

function folderOf({ href }) {
  const parent = new URL('../', root).href;
  return (
    href
      .slice(parent.length)
      .match(/^(?:packages|apps)\/([a-z-]+)\//)
      ?.slice(1) ?? []
  );
}

function checkFloors(order, file, source) {
  const floorOf = ({ href }) => order.indexOf(href.slice(source.href.length).split('/')[0]);
  const floor = floorOf(file);
  if (floor < 0) return;
  for (const specifier of specifiersOf(file).filter((each) => each.startsWith('.'))) {
    const other = new URL(specifier, file);
    if (other.href.startsWith(source.href) && floorOf(other) > floor) {
      problems.add(
        `${file.href.slice(root.href.length)} must not import ${specifier}: a folder above its own`,
      );
    }
  }
}
