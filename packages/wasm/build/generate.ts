// Writes src/generated: the kernels, compiled from assembly/ with relaxed and with plain SIMD, and the workers' script,
// all as strings, so that the package loads no file at run time, whatever bundles or serves it.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { type BuildOptions, build } from 'esbuild';
import { kernelBytes } from '../src/abi/sizes.ts';
import type { Abi } from './abi.ts';
import { abiDifferences } from './check-abi.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = new URL('../src/generated/', import.meta.url);

/** Base64 of a module that imports its memory as `env.memory`, not shared; the host makes it shared where it can. */
async function compileKernels(entry: string, relaxed: boolean): Promise<string> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [
      entry,
      '--baseDir',
      root,
      // not -O3: it moves multiplications away from the loads beside them, more than registers can hold
      ...['--outFile', 'kernels.wasm', '-O2', '--noAssert', '--runtime', 'stub', '--importMemory'],
      ...['--initialMemory', `${kernelBytes / 65536}`, '--maximumMemory', '65536', '--enable', 'simd'],
      // AS112 warns that JavaScript cannot hold a v128: none crosses the border
      ...['--disableWarning', '112'],
      ...(relaxed ? ['--enable', 'relaxed-simd'] : []),
    ],
    {
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm') && typeof contents !== 'string') binary = contents;
      },
    },
  );
  if (error !== null || binary === undefined)
    throw new Error(`kernels do not compile:\n${stderr}`, { cause: error });
  return Buffer.from(binary).toString('base64');
}

const tsconfig = fileURLToPath(new URL('../../../tsconfig.json', import.meta.url));

/** A file and all that it imports, in one text. */
async function bundle(entry: string, options: BuildOptions): Promise<string> {
  const entryPoints = [`${root}/${entry}`];
  const result = await build({ ...options, entryPoints, bundle: true, write: false, tsconfig });
  const [file] = result.outputFiles ?? [];
  if (file === undefined) throw new Error(`${entry} did not bundle`);
  return file.text.trim();
}

/** The tables of src/abi, which name each other as built files do. */
async function loadAbi(): Promise<Abi> {
  const code = await bundle('build/abi.ts', { format: 'esm' });
  const module: { abi: Abi } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return module.abi;
}

const differences = await abiDifferences(await loadAbi());
if (differences.length > 0) throw new Error(`src/abi and assembly/ do not agree:\n${differences.join('\n')}`);

const write = (name: string, comment: string, constants: Record<string, string>) =>
  writeFile(
    new URL(name, output),
    `// ${comment} Made by build/generate.ts.\n${Object.entries(constants)
      .map(([constant, value]) => `export const ${constant} = ${JSON.stringify(value)};\n`)
      .join('')}`,
  );

await mkdir(output, { recursive: true });
await write('kernels.ts', 'The compiled kernels, base64.', {
  relaxedKernels: await compileKernels('assembly/index.ts', true),
  plainKernels: await compileKernels('assembly/index.ts', false),
});
await write('quantize-kernels.ts', 'The compiled kernels that quantize, base64.', {
  relaxedQuantizeKernels: await compileKernels('assembly/quantize/index.ts', true),
  plainQuantizeKernels: await compileKernels('assembly/quantize/index.ts', false),
});
await write('worker-script.ts', "The workers' script.", {
  workerScript: // one script without imports: Node's `eval` workers run it as a classic one, browsers and Deno as a module
    await bundle('src/worker/main.ts', { minify: true, format: 'iife', target: 'es2022' }),
});
