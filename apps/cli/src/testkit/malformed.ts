// Copies of a small Mixtral to be spoilt: plain, or with its experts quantized.
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeSafetensors, type Tensor } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';

/** Two layers of four experts, hidden size 64, without a tokenizer; its provenance is in the README beside it. */
export const smallModel = fileURLToPath(
  new URL('../../../../packages/loader/testdata/architectures/mixtral', import.meta.url),
);

/** A model's folder that is to be spoilt. */
export class Spoilt {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Replaces a file, or writes one. */
  async write(name: string, content: string | Uint8Array | object): Promise<void> {
    const plain = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(join(this.path, name), plain ? content : JSON.stringify(content));
  }

  remove(name: string): Promise<void> {
    return rm(join(this.path, name));
  }

  /** Replaces fields of a JSON file; undefined takes one away. */
  async edit(name: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    await this.write(name, { ...(await this.json(name)), ...fields });
  }

  async json(name: string): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(this.path, name), 'utf8')) as Record<string, unknown>;
  }

  /** All tensors by name. */
  async tensors(): Promise<Record<string, Tensor>> {
    const file = await openSafetensorsFile(join(this.path, 'model.safetensors'));
    const tensors: Record<string, Tensor> = {};
    for (const name of file.tensors.keys()) tensors[name] = await file.read(name);
    await file.close();
    return tensors;
  }

  /** Replaces tensors; undefined takes one away. */
  async retensor(changes: Readonly<Record<string, Tensor | undefined>>): Promise<void> {
    const changed = Object.entries({ ...(await this.tensors()), ...changes });
    const left = changed.flatMap(([name, tensor]) => (tensor === undefined ? [] : [[name, tensor] as const]));
    await this.write('model.safetensors', encodeSafetensors(Object.fromEntries(left)));
  }

  /** Writes numbers over the beginning of the first F32 tensor whose name ends so. */
  async overwrite(suffix: string, ...numbers: number[]): Promise<void> {
    const tensors = await this.tensors();
    const [name, tensor] = Object.entries(tensors).find(([each]) => each.endsWith(suffix)) ?? [];
    if (name === undefined || tensor?.dtype !== 'F32') throw new Error(`no F32 tensor ends in ${suffix}`);
    const data = tensor.data.slice();
    data.set(new Uint8Array(Float32Array.from(numbers).buffer));
    await this.retensor({ [name]: { ...tensor, data } });
  }

  /** Replaces the header of model.safetensors by a text, and says its length, or another. */
  header(text: string, length: bigint = BigInt(text.length), dataBytes = 0): Promise<void> {
    const bytes = new Uint8Array(8 + text.length + dataBytes);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, length), true);
    bytes.set(new TextEncoder().encode(text), 8);
    return this.write('model.safetensors', bytes);
  }

  copy(from: string, to: string): Promise<void> {
    return copyFile(join(this.path, from), join(this.path, to));
  }
}

export interface Malformed {
  readonly spoil: (model: Spoilt) => Promise<void>;
  /** What the sentence has to say. */
  readonly sentence: RegExp;
  /** What is spoilt; the plain model unless given. */
  readonly of?: 'plain' | 'bitsandbytes' | 'moeq';
  /** Commands that meet the fault; all three unless given. A header is all that inspect reads. */
  readonly commands?: readonly ('quantize' | 'inspect' | 'generate')[];
}

export type Cases = Readonly<Record<string, Malformed>>;
