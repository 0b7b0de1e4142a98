// A plan carried out: tensors stream through, a few matrices at a time, into a folder that appears when it is whole.
import type { Checkpoint } from '@moeq/loader';
import { type Quantizer, QuantizerError } from '@moeq/quantizers';
import { bitsPerWeight, type MatrixEncoder } from '@moeq/tensors';
import { createCheckpointWriter } from '@moeq/tensors/node';
import { type Account, openAccount } from '../account.js';
import { partBytes, storedIn } from '../form.js';
import { inOrder, type Job } from '../in-order.js';
import { pieceJobs } from '../kept.js';
import type { Ledger } from '../ledger.js';
import { type EncodingContext, floatScratch, matrixJobs, type QuantizedMatrix } from '../matrices.js';
import type { ConversionPlan, TensorPlan } from '../plan.js';
import type { WrittenFile } from '../report.js';
import { configText, otherFiles } from './other-files.js';

/** Where a plan is carried out, and its callbacks. */
export interface Target {
  readonly out: string;
  readonly maxShardBytes: number | undefined;
  readonly overwrite: boolean;
  readonly encoder: MatrixEncoder | undefined;
  /** The user's own, for weights that they have quantized before. */
  readonly quantizers: readonly Quantizer[];
  readonly signal: AbortSignal | undefined;
  /** Called with the bytes of the input that are done. */
  readonly advance: (bytes: number, tensor: string) => void;
  /** What takes the output; a folder of its own unless given. */
  readonly createWriter?: typeof createCheckpointWriter;
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
  const { out, maxShardBytes, overwrite, encoder, quantizers, signal, advance } = target;
  const { createWriter = createCheckpointWriter } = target;
  await using writer = await createWriter({
    out,
    // The parts of one tensor stay in one file, as transformers wants them.
    tensors: plan.tensors.flatMap(({ source, parts }) =>
      parts.map((part) => ({ ...part, group: source.facts.name })),
    ),
    overwrite,
    ...(maxShardBytes !== undefined && { maxShardBytes }),
  });
  const account = openAccount(plan);
  const context = { floats: floatScratch(), encoder, quantizers, signal };
  for await (const { tensor, parts, bytesRead, error } of inOrder(jobsOf(plan, context), bytesAhead)) {
    if (error !== null) account.addError(...error);
    for (const [name, data] of parts) {
      await writer.write(name, data);
      account.addBytes(tensor, data.byteLength);
    }
    advance(bytesRead, tensor.source.facts.name);
    signal?.throwIfAborted();
  }
  const ledger = account.close();
  await writer.writeFile('config.json', await configText(checkpoint, plan));
  for await (const [name, data] of otherFiles(checkpoint.files)) await writer.writeFile(name, data);
  const description = target.describe?.(ledger, writer.shards);
  if (description !== undefined) await writer.writeFile(...description);
  signal?.throwIfAborted();
  return { ledger, files: await writer.commit() };
}

/** Of the input that is read before what came of it is written: enough for disk, encoder and writer to work at once. */
const bytesAhead = 256 * 2 ** 20;

/** What is to be written next, and the bytes of input that it comes from. */
interface Piece {
  readonly tensor: TensorPlan;
  readonly parts: readonly (readonly [name: string, data: Uint8Array])[];
  readonly bytesRead: number;
  readonly error: Parameters<Account['addError']> | null;
}

/** All tensors, quantized matrix by matrix or copied piece by piece. */
function* jobsOf({ tensors, form, kept }: ConversionPlan, context: EncodingContext): Generator<Job<Piece>> {
  for (const tensor of tensors) {
    const { source, action } = tensor;
    if (action !== 'keep') {
      for (const { bytes, run } of matrixJobs(source, action, context)) {
        yield { bytes, run: async () => quantizedPiece(tensor, form, await run()) };
      }
      continue;
    }
    for (const { bytes, run } of pieceJobs(source, kept, context.signal)) {
      yield {
        bytes,
        async run() {
          const parts = (await run()).map(({ part, data }) => [part, data] as const);
          return { tensor, parts, bytesRead: bytes, error: null };
        },
      };
    }
  }
}

function quantizedPiece(
  planned: TensorPlan,
  form: ConversionPlan['form'],
  { index, tensor, norms, bytes }: QuantizedMatrix,
): Piece {
  const { name, role, shape } = planned.source.facts;
  const stored = storedIn(form, name, tensor);
  const parts = Object.entries(stored).map(([part, { data }]) => [part, data] as const);
  assertPlanned(planned, tensor.format, parts);
  const matrix = shape.length === 3 ? { matrix: index } : {};
  const facts = { name, role, format: tensor.format, ...matrix, bitsPerWeight: bitsPerWeight(tensor) };
  return { tensor: planned, parts, bytesRead: bytes, error: [facts, norms] };
}

/** @throws QuantizerError when a matrix is not stored in the parts and bytes that its shape alone had promised */
function assertPlanned({ source, parts }: TensorPlan, format: string, stored: Piece['parts']): void {
  const { name, shape } = source.facts;
  const matrices = shape.length === 3 ? (shape[0] ?? 1) : 1;
  const planned = parts.map((part) => `${part.name} of ${partBytes(part) / matrices} bytes`);
  const found = stored.map(([part, { byteLength }]) => {
    const plan = parts.find((each) => each.name === part);
    const isOpen = plan !== undefined && 'maxBytes' in plan && byteLength <= plan.maxBytes;
    return `${part} of ${isOpen ? plan.maxBytes : byteLength} bytes`;
  });
  if (planned.toSorted().join() === found.toSorted().join()) return;
  throw new QuantizerError(format, name, {
    operation: 'quantize()',
    expected: `planes as of zeros of that shape, ${planned.join(', ') || 'none'}`,
    found: found.join(', ') || 'none',
  });
}
