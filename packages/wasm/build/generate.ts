// Writes src/generated: the kernels, compiled from assembly/ with relaxed and with plain SIMD, and the workers' script,
// all as strings, so that the package loads no file at run time, whatever bundles or serves it.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = new URL('../src/generated/', import.meta.url);

/** Static data of the kernels ends below this address; the host's memory map begins there. */
const staticBytes = 64 * 1024;

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
      ...['--initialMemory', `${staticBytes / 65536}`, '--maximumMemory', '65536', '--enable', 'simd'],
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

/** One script without imports: Node's `eval` workers run it as a classic one, browsers and Deno as a module. */
async function bundleWorker(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [`${root}/${entry}`],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2022',
    tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)),
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error('the worker did not bundle');
  return file.text.trim();
}

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
  workerScript: await bundleWorker('src/worker/main.ts'),
});
