// A set of files as a checkpoint: config.json gives the architecture and the shapes, the headers of the weights give the
// tensors, and each tensor gets its place. No weight is read here.
import type { Quantizer } from '@moeq/quantizers';
import { type DecoderConfig, type Slot, type TensorPlace, tensorShape } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import type { Architecture } from '../config/architecture.js';
import { findArchitecture, isKnownModelType, unknownArchitecture } from '../config/architectures.js';
import type { FileSet, QuantizedWeight, StoredTensor } from '../files/file-set.js';
import { inSet, maxConfigBytes, readJsonObject } from '../files/json.js';
import { partRefusal } from '../files/part-file.js';
import { openByRoles } from '../roles/open-by-roles.js';
import type { TensorRoles } from '../roles/roles-file.js';
import type { Checkpoint, CheckpointTensor } from './checkpoint.js';
import { otherTensor, plainTensor, quantizedTensor } from './checkpoint-tensor.js';
import { assertComplete, assertPlace, misfit, placeKey } from './layout-check.js';
import { placeFinder } from './names.js';
import { isPassedOver, otherTensors } from './other-tensors.js';
import { fp8Floats, quantizedWeights } from './quantized-tensors.js';
import { openStoredTensors } from './stored-tensors.js';

export interface CheckpointOptions {
  /** Quantizers of your own; reading a tensor in a format that no layout describes needs the one that made it. */
  readonly quantizers?: readonly Quantizer[];
  /** Weights of the decoder in blocks of 8-bit floats are the BF16 that they stand for, for conversions; false unless given. */
  readonly decodesFp8?: boolean;
  /** Of a model type that is not known: the roles of its tensors. It can be quantized then, and not run. */
  readonly roles?: TensorRoles | undefined;
}

/**
 * Opens and checks a checkpoint. Close it when done.
 * @throws MoeqError naming file, tensor or field, what was expected and what was found, when anything does not fit
 */
export async function openCheckpoint(files: FileSet, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const { container } = files;
  const file = container === undefined ? inSet(files, 'config.json') : files.name;
  const config = await readJsonObject(files, 'config.json', maxConfigBytes);
  if (config === null) {
    throw new MoeqError({
      operation: 'open the model',
      subject: files.name,
      expected: 'a config.json',
      found: 'none',
    });
  }
  const { roles } = options;
  if (roles !== undefined) {
    if (container === undefined && !isKnownModelType(config))
      return openByRoles({ files, config, file, roles, refusal: unknownArchitecture(config, file) });
    throw new MoeqError({
      operation: 'apply the roles',
      subject: file,
      expected: 'a model type that is not known, whose tensors have no roles otherwise',
      found: quote(config['model_type']),
    });
  }
  const architecture = findArchitecture(config, file);
  const { decoder, refusal } = architecture.read(config, file);
  const orPart = async (error: unknown) => (await partRefusal(files, error)) ?? error;
  const {
    tensors: stored,
    quantized: own,
    places,
    close,
  } = await (container?.weights({ architecture, decoder }) ?? openStoredTensors(files)).catch(
    async (error) => {
      throw await orPart(error);
    },
  );
  try {
    const { quantizers = [], decodesFp8 = false } = options;
    const find =
      places === undefined ? placeFinder(architecture, decoder) : (name: string) => places.get(name) ?? null;
    const isOwn = (name: string) => (find(name)?.layer ?? 0) < decoder.layers.length && find(name) !== null;
    const floats = decodesFp8 ? fp8Floats({ stored, config, file }, isOwn) : null;
    const quantized = own ?? (floats === null ? quantizedWeights({ stored, config, file, quantizers }) : []);
    const model = {
      architecture,
      decoder,
      find,
      name: files.name,
      countsAllLayers: places !== undefined,
      fused: places === undefined ? (architecture.fused ?? {}) : {},
    };
    const placed = placeTensors([...(floats ?? stored).values()], quantized, model);
    const textConfig = architecture.textOf(config, file);
    return { name: files.name, files, config, textConfig, refusal, ...placed, close };
  } catch (error) {
    await close();
    throw await orPart(error);
  }
}

interface Model {
  readonly name: string;
  readonly architecture: Architecture;
  readonly decoder: DecoderConfig;
  /** Whether no layer may stand behind the last one: GGUF counts those for prediction among the others. */
  readonly countsAllLayers: boolean;
  /** As the architecture says; in GGUF files everything lies as the decoder has it. */
  readonly fused: NonNullable<Architecture['fused']>;
  /** Where a tensor belongs, by its name. */
  find(name: string): TensorPlace | null;
}

/** Every tensor at its place or beside the decoder, every place of the decoder filled; in the order of the files. */
function placeTensors(
  stored: readonly StoredTensor[],
  quantized: readonly QuantizedWeight[],
  model: Model,
): { decoder: DecoderConfig; tensors: CheckpointTensor[] } {
  const { architecture } = model;
  const weightOf = new Map(
    quantized.flatMap((weight) => weight.parts.map((part) => [part.name, weight] as const)),
  );
  const weights = stored.map(({ name }) => weightOf.get(name)?.name ?? name);
  const layers = model.decoder.layers.length;
  const isOther = otherTensors({ architecture, layers, stored });
  const placeOf = headFinder(model.find, weights, model.decoder);
  const decoder = { ...model.decoder, tiedHead: placeOf.tiedHead };
  const arrangementOf = ({ slot, expert }: TensorPlace) =>
    expert === undefined ? (model.fused[slot] ?? null) : null;
  const placed = new Set<QuantizedWeight>();
  const names = new Map<string, string>();
  /** null: beside the decoder. */
  const place = (name: string, { file, shape }: StoredTensor): TensorPlace | null => {
    const at = placeOf.find(name);
    if (at !== null && isPassedOver(at, decoder)) return null;
    const isExpected =
      at !== null && (model.countsAllLayers || at.layer === undefined || at.layer < decoder.layers.length);
    if (!isExpected && isOther.has({ name, shape })) return null;
    if (at === null) throw misfit(file, `only tensors that ${decoder.architecture} has`, quote(name, 120));
    const other = names.get(placeKey(at));
    if (other !== undefined) {
      throw misfit(
        file,
        `one tensor as ${at.slot} of its layer`,
        `${quote(other, 120)} and ${quote(name, 120)}`,
      );
    }
    names.set(placeKey(at), name);
    return at;
  };
  const tensors: CheckpointTensor[] = [];
  for (const tensor of stored) {
    const weight = weightOf.get(tensor.name);
    if (weight !== undefined && placed.has(weight)) continue;
    const at = place(weight?.name ?? tensor.name, tensor);
    if (at === null) tensors.push(otherTensor(tensor));
    else if (weight === undefined) {
      const arrangement = arrangementOf(at);
      assertPlace(tensor.name, at, tensor.shape, decoder, tensor.file, arrangement);
      tensors.push(plainTensor(tensor, at, tensorShape(at, decoder) ?? [], arrangement));
    } else {
      placed.add(weight);
      const shape = weight.shape ?? tensorShape(at, decoder) ?? [];
      assertPlace(weight.name, at, shape, decoder, tensor.file, null);
      weight.assertShape(shape);
      tensors.push(quantizedTensor(weight, at, shape, arrangementOf(at)));
    }
  }
  assertComplete(names, decoder, architecture, model.name);
  return { decoder, tensors };
}

/**
 * Where head and embedding are. Both in the files are two matrices, whatever config.json says of tying; where it ties them
 * and the files hold one, that is the embedding, under whichever of the two names.
 */
function headFinder(
  find: (name: string) => TensorPlace | null,
  weights: readonly string[],
  { tiedHead: tied }: DecoderConfig,
): { tiedHead: boolean; find: (name: string) => TensorPlace | null } {
  const has = (slot: Slot) => weights.some((name) => find(name)?.slot === slot);
  const [head, embedding] = [has('head'), has('embedding')];
  const swapped = tied && head && !embedding;
  return {
    tiedHead: tied && !(head && embedding),
    find(name) {
      const at = find(name);
      return swapped && at?.slot === 'head' ? { slot: 'embedding' } : at;
    },
  };
}
