// Projects that use every entry point of the installed packages, type-checked by an older TypeScript than the workspace's.
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Packed, root, run } from './pack.ts';

interface Consumer {
  readonly name: string;
  readonly module: 'nodenext' | 'bundler';
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

const environments = [
  { name: 'Node alone', lib: ['ES2022'], types: ['node'] },
  { name: 'DOM', lib: ['ES2022', 'DOM', 'DOM.Iterable'], types: ['node'] },
  { name: 'DOM and @webgpu/types', lib: ['ES2022', 'DOM', 'DOM.Iterable'], types: ['node', '@webgpu/types'] },
] as const;

/** How modules are found does not depend on the types around them: one of the environments is enough for the second way. */
const consumers: readonly Consumer[] = [
  ...environments.map((each) => ({ ...each, name: `${each.name}, nodenext`, module: 'nodenext' as const })),
  { ...environments[1], name: `${environments[1].name}, bundler`, module: 'bundler' },
];

/** The GPU objects of a program: its own types where it has them, and never a number. */
const usage = (typed: boolean) => `
import { type WebGpuOptions, webgpuBackend } from '@moeq/webgpu';
const given: WebGpuOptions = {};
export const vendor: string = (await webgpuBackend(given)).adapterInfo.vendor;
// @ts-expect-error: a device is an object of WebGPU
export const wrong: WebGpuOptions = { device: 1 };
${typed ? 'export const own = (device: GPUDevice, gpu: GPU): WebGpuOptions => ({ device, gpu });' : ''}
${typed ? '// @ts-expect-error: and no other\nexport const other: WebGpuOptions = { device: { queue: {}, destroy() {} } };' : ''}
`;

/** Type-checks the consumers in one process, in which they share what it reads. @throws Error with what the compiler printed */
export async function checkConsumers(project: string, packed: readonly Packed[]): Promise<string> {
  const folders = await Promise.all(consumers.map((consumer) => writeConsumer(project, packed, consumer)));
  const compiler = join(root, 'node_modules/typescript-5.9/lib/tsc.js');
  return run(project, 'node', compiler, '--build', ...folders, '--pretty', 'false');
}

/** @returns its folder, in that of the project */
async function writeConsumer(
  project: string,
  packed: readonly Packed[],
  { name, module, lib, types }: Consumer,
): Promise<string> {
  const folder = join(project, 'consumers', name.replaceAll(/\W+/g, '-'));
  await mkdir(join(folder, 'node_modules/@webgpu'), { recursive: true });
  await symlink(join(root, 'node_modules/@webgpu/types'), join(folder, 'node_modules/@webgpu/types'));
  const entries = await Promise.all(packed.map(({ name }) => entryPoints(project, name)));
  const imports = entries.flat().map((entry, index) => `export * as m${index} from '${entry}';`);
  await writeFile(
    join(folder, 'main.ts'),
    `${imports.join('\n')}\n${usage(types.includes('@webgpu/types'))}`,
  );
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = {
    ...(module === 'nodenext' ? { module } : { module: 'esnext', moduleResolution: module }),
    ...{ target: 'ES2022', lib, types, strict: true, noEmit: true, skipLibCheck: false },
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
  return folder;
}

/** Names to import by. */
async function entryPoints(project: string, name: string): Promise<string[]> {
  const manifest: { readonly exports: Readonly<Record<string, unknown>> } = JSON.parse(
    await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8'),
  );
  const typed = Object.entries(manifest.exports).filter(
    ([, entry]) => typeof entry === 'object' && entry !== null && 'types' in entry,
  );
  return typed.map(([path]) => name + path.slice(1));
}
