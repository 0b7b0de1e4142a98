// Compares what host and workers say of the kernels (src/abi) with the kernels: a module is compiled from assembly/ that exports
// every number, place and size, and each is looked at.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { placed, wordsOf } from '../src/abi/fields.ts';
import type { Abi, InAssembly } from './abi.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** In assembly/, so that imports are as they are there; it is compiled from memory. */
const probeFile = 'assembly/probe.ts';

function split(key: InAssembly): [file: string, name: string] {
  const colon = key.indexOf(':');
  return [key.slice(0, colon), key.slice(colon + 1)];
}

const keysOf = (...tables: readonly Readonly<Record<InAssembly, unknown>>[]): InAssembly[] =>
  tables.flatMap((table) => Object.keys(table) as InAssembly[]);

/** AssemblyScript that exports all that is compared. */
function probe({ enumerations, records, constants, sizes }: Abi): string {
  const others = keysOf(enumerations, constants, sizes).map((key) => {
    const [file, name] = split(key);
    return `export { ${name} } from './${file}';`;
  });
  const ofRecords = keysOf(records).flatMap((key) => {
    const [file, name] = split(key);
    const fields = Object.keys(records[key] as object).flatMap((field) => [
      `export const place_${name}_${field}: u32 = offsetof<${name}>('${field}');`,
      `export const float_${name}_${field}: u32 = isFloat(changetype<${name}>(0).${field}) ? 1 : 0;`,
    ]);
    return [
      `import { ${name} } from './${file}';`,
      `export const size_${name}: u32 = offsetof<${name}>();`,
      ...fields,
    ];
  });
  return [...others, ...ofRecords].join('\n');
}

/** What the probe has to export, with its value. */
function expectedExports({ enumerations, records, constants }: Abi): Map<string, number> {
  const expected = new Map<string, number>();
  for (const key of keysOf(enumerations)) {
    const [, name] = split(key);
    for (const [member, value] of Object.entries(enumerations[key] ?? {}))
      expected.set(`${name}.${member}`, value);
  }
  for (const key of keysOf(constants)) expected.set(split(key)[1], constants[key] as number);
  for (const key of keysOf(records)) {
    const [, name] = split(key);
    const fields = records[key] ?? {};
    expected.set(`size_${name}`, 4 * wordsOf(fields));
    for (const [field, kind, word] of placed(fields)) {
      expected.set(`place_${name}_${field}`, 4 * word);
      expected.set(`float_${name}_${field}`, kind === 'f32' ? 1 : 0);
    }
  }
  return expected;
}

async function compileProbe(source: string): Promise<WebAssembly.Exports | string> {
  let binary: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(
    [
      ...[probeFile, '--baseDir', root, '--outFile', 'probe.wasm', '--noAssert', '--runtime', 'stub'],
      ...['--importMemory', '--enable', 'simd', '--disableWarning', '112'],
    ],
    {
      // null: the compiler looks elsewhere
      readFile: (name, folder) =>
        name === probeFile ? source : readFile(`${folder}/${name}`, 'utf8').catch(() => null),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm') && typeof contents !== 'string') binary = Uint8Array.from(contents);
      },
    },
  );
  if (error !== null || binary === undefined) return `assembly does not have all of it:\n${stderr}`;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory, abort: () => {} } });
  return instance.exports;
}

/**
 * @returns a line for each difference, naming it: what a name is in src/abi and in assembly/, and what one of them lacks; a text
 *   of the compiler where assembly/ has no such class, namespace, field or function
 */
export async function abiDifferences(abi: Abi): Promise<string[]> {
  const exported = await compileProbe(probe(abi));
  if (typeof exported === 'string') return [exported];
  const found = new Map(
    Object.entries(exported).flatMap(([name, value]) =>
      value instanceof WebAssembly.Global ? [[name, Number(value.value)] as const] : [],
    ),
  );
  const expected = expectedExports(abi);
  const names = new Set([...expected.keys(), ...found.keys()]);
  const numbers = [...names].flatMap((name) => {
    const [ours, theirs] = [expected.get(name), found.get(name)];
    return ours === theirs ? [] : [difference(name, ours, theirs)];
  });
  const sizes = keysOf(abi.sizes).flatMap((key) => {
    const [, name] = split(key);
    const { of, args } = abi.sizes[key] as Abi['sizes'][InAssembly];
    const theirs = exported[name] as (...args: readonly number[]) => number;
    const wrong = args.find((each) => of(...each) !== theirs(...each));
    return wrong === undefined
      ? []
      : [difference(`${name}(${wrong.join(', ')})`, of(...wrong), theirs(...wrong))];
  });
  return [...numbers, ...sizes];
}

const difference = (name: string, ours: number | undefined, theirs: number | undefined): string =>
  `${name}: ${ours ?? 'nothing'} in src/abi, ${theirs ?? 'nothing'} in assembly`;
