// A plan carried out: tensors stream through, one matrix at a time, into a folder that appears when it is whole.
import type { Checkpoint } from '@moeq/loader';
import { toBitsandbytes, toMoeq } from '@moeq/quantizers';
import { bitsPerWeight } from '@moeq/tensors';
import { createCheckpointWriter } from '@moeq/tensors/node';
import { type Account, openAccount } from '../account.js';
import type { Ledger } from '../ledger.js';
import { type FloatScratch, floatScratch, quantizeMatrices, readPieces } from '../matrices.js';
import type { ConversionPlan, PlannedTensor } from '../plan.js';
import type { WrittenFile } from '../report.js';
import { configText, otherFiles } from './other-files.js';

/** Where a plan is carried out, and who hears of it. */
export interface Target {
  readonly out: string;
  readonly maxShardBytes: number | undefined;
  readonly overwrite: boolean;
  readonly signal: AbortSignal | undefined;
  /** Told of bytes of the input that are done. */
  readonly advance: (bytes: number, tensor: string) => void;
  /** More to write, of what has been done: a file's name and its text. */
  readonly describe?: (ledger: Ledger, shards: readonly string[]) => readonly [name: string, text: string];
}

export interface Converted {
  readonly ledger: Ledger;
  readonly files: readonly WrittenFile[];
}

/** @throws MoeqError from reading, quantizing and writing, the signal's reason; `out` is then as it was before */
export async function convert(
  checkpoint: Checkpoint,
  plan: ConversionPlan,
  target: Target,
): Promise<Converted> {
  const { out, maxShardBytes, overwrite, signal, advance } = target;
  await using writer = await createCheckpointWriter({
    out,
    // The parts of one tensor stay in one file, as transformers wants them.
    tensors: plan.tensors.flatMap(({ source, parts }) =>
      parts.map((part) => ({ ...part, group: source.facts.name })),
    ),
    overwrite,
    ...(maxShardBytes !== undefined && { maxShardBytes }),
  });
  const account = openAccount(plan);
  const floats = floatScratch();
  for (const tensor of plan.tensors) {
    for await (const { parts, bytesRead } of convertTensor(tensor, { plan, account, floats, signal })) {
      for (const [name, data] of parts) {
        await writer.write(name, data);
        account.wrote(tensor, data.byteLength);
      }
      advance(bytesRead, tensor.source.facts.name);
      signal?.throwIfAborted();
    }
  }
  const ledger = account.close();
  await writer.writeFile('config.json', await configText(checkpoint, plan));
  for await (const [name, data] of otherFiles(checkpoint.files)) await writer.writeFile(name, data);
  const description = target.describe?.(ledger, writer.shards);
  if (description !== undefined) await writer.writeFile(...description);
  signal?.throwIfAborted();
  return { ledger, files: await writer.commit() };
}

/** What is to be written next, and the bytes of input that it comes from. */
interface Piece {
  readonly parts: readonly (readonly [name: string, data: Uint8Array])[];
  readonly bytesRead: number;
}

/** What the tensors of one conversion share. */
interface Conversion {
  readonly plan: ConversionPlan;
  readonly account: Account;
  readonly floats: FloatScratch;
  readonly signal: AbortSignal | undefined;
}

/** One tensor, quantized matrix by matrix or copied piece by piece. */
async function* convertTensor(
  { source, action }: PlannedTensor,
  { plan, account, floats, signal }: Conversion,
): AsyncGenerator<Piece> {
  const { name, role, shape } = source.facts;
  if (action === 'keep') {
    for await (const data of readPieces(source, signal)) {
      yield { parts: [[name, data]], bytesRead: data.byteLength };
    }
    return;
  }
  for await (const { index, tensor, norms, bytes } of quantizeMatrices(source, action, floats, signal)) {
    const stored = plan.form === 'moeq' ? toMoeq(name, tensor) : toBitsandbytes(name, tensor);
    const parts = Object.entries(stored).map(([part, { data }]) => [part, data] as const);
    const matrix = shape.length === 3 ? { matrix: index } : {};
    account.lost(
      { name, role, format: tensor.format, ...matrix, bitsPerWeight: bitsPerWeight(tensor) },
      norms,
    );
    yield { parts, bytesRead: bytes };
  }
}
