// Reference data of the tests: checkpoints, and what transformers computed from them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';

export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../../testdata/architectures/${name}`, import.meta.url));
}

/** The table of golden checkpoints: each folder is an entry, and is tested wherever all of them are. */
export const goldenNames: readonly string[] = readdirSync(goldenPath('')).sort();

/** Those that have their configuration in the words of the hub too. */
export const goldenHubNames = goldenNames.filter((name) => existsSync(`${goldenPath(name)}/config.hub.json`));

/** @param file `config.hub.json` for the words of the hub */
export function goldenConfig(name: string, file = 'config.json', path = goldenPath): Record<string, unknown> {
  return JSON.parse(readFileSync(`${path(name)}/${file}`, 'utf8')) as Record<string, unknown>;
}

/** A checkpoint without experts. */
export function densePath(name: string): string {
  return fileURLToPath(new URL(`../../testdata/dense/${name}`, import.meta.url));
}

export const denseNames: readonly string[] = readdirSync(densePath(''))
  .filter((name) => !name.includes('.'))
  .sort();

/** A checkpoint that comes quantized. */
export function quantizedPath(name: string): string {
  return fileURLToPath(new URL(`../../testdata/quantized/${name}`, import.meta.url));
}

export const quantizedNames: readonly string[] = readdirSync(quantizedPath('')).sort();

/** All tensors of a file, by name. */
export async function readTensors(path: string): Promise<Map<string, Tensor>> {
  const file = await openSafetensorsFile(path);
  const tensors = new Map<string, Tensor>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

/** The reference beside a golden checkpoint, or any other. */
export class Reference {
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors;
  }

  static async open(path: string): Promise<Reference> {
    return new Reference(await readTensors(path));
  }

  names(pattern: RegExp): string[] {
    return [...this.#tensors.keys()].filter((name) => pattern.test(name));
  }

  integers(name: string): Int32Array {
    const { data, dtype } = this.#get(name);
    if (dtype !== 'I32') throw new Error(`${name} is ${dtype}`);
    return new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  }

  floats(name: string): Float32Array {
    const { data, dtype } = this.#get(name);
    if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`);
    return new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  shape(name: string): readonly number[] {
    return this.#get(name).shape;
  }

  #get(name: string): Tensor {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) throw new Error(`the reference has no ${name}`);
    return tensor;
  }
}

/** Largest absolute difference; NaN when there is one. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers against ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(difference)) return Number.NaN;
  }
  return largest;
}
