// A config.json from the metadata of a GGUF file, and the metadata from a decoder's configuration. What is written is read
// back and has to give the same decoder, so a model that llama.cpp's architecture cannot express is refused, not changed.
import { type DecoderConfig, type Slot, tensorShape } from '@moeq/runtime';
import { type GgufMetadata, type GgufValue, MoeqError, quote } from '@moeq/tensors';
import { findArchitecture } from '../config/architectures.js';
import type { GgufArchitecture, GgufReader } from './architecture.js';
import { findGgufArchitecture, ggufArchitectures, ggufModelTypes } from './architectures.js';
import { ropeScalingMetadata, ropeScalingOf } from './rope-scaling.js';

/** Facts that the tensors of a file tell, and its metadata may not. */
interface TensorFacts {
  readonly vocabularySize: number;
  readonly tiedHead: boolean;
  /** What each frequency of the rotation is divided by; null where no tensor says so. */
  readonly ropeFactors: readonly number[] | null;
  /** Whether there is a tensor of the slot, in any layer. */
  has(slot: Slot): boolean;
}

/** @throws MoeqError for metadata of an architecture that is not known, or of a model without experts */
export function architectureIn(
  metadata: GgufMetadata,
  has: (architecture: GgufArchitecture, slot: Slot) => boolean,
  file: string,
): GgufArchitecture {
  const name = metadata.get('general.architecture');
  return findGgufArchitecture(
    name === undefined ? null : String(name.value),
    (architecture) => readerOf(metadata, architecture, (slot) => has(architecture, slot), file),
    file,
  );
}

/** @throws MoeqError naming a key of another type than its field has */
export function configOf(
  architecture: GgufArchitecture,
  metadata: GgufMetadata,
  facts: TensorFacts,
  file: string,
): Record<string, unknown> {
  const read = readerOf(metadata, architecture, facts.has, file);
  const config: Record<string, unknown> = {
    architectures: [architecture.className],
    model_type: architecture.modelType,
    vocab_size: facts.vocabularySize,
  };
  for (const { key, field } of architecture.fields) {
    const value = field === null ? null : read.number(key);
    if (field !== null && value !== null) config[field] = value;
  }
  Object.assign(config, architecture.config?.(read), architecture.constants, {
    tie_word_embeddings: facts.tiedHead,
  });
  const scaling = ropeScalingOf(metadata, architecture.name, facts.ropeFactors, (key) => {
    const value = metadata.get(key);
    return value === undefined ? null : numberOf(value, key, file);
  });
  if (architecture.ropeScaling === undefined)
    return scaling === null ? config : { ...config, rope_scaling: scaling };
  // where config.json has none, the model's own rotation may be a scaled one
  const own = scaling === null ? { rope_type: 'default' } : { ...scaling, ...architecture.ropeScaling(read) };
  return { ...config, rope_scaling: own };
}

function readerOf(
  metadata: GgufMetadata,
  { name }: GgufArchitecture,
  has: TensorFacts['has'],
  file: string,
): GgufReader {
  const at = <T>(key: string, use: (value: GgufValue, full: string) => T): T | null => {
    const full = `${name}.${key}`;
    const value = metadata.get(full);
    return value === undefined ? null : use(value, full);
  };
  return {
    number: (key) => at(key, (value, full) => numberOf(value, full, file)),
    perLayer: (key) =>
      at(key, (value, full) => {
        if (value.type === 'array' && value.of !== 'string') return Array.from(value.value, Number);
        const layers = metadata.get(`${name}.block_count`);
        const number = numberOf(value, full, file);
        return layers === undefined ? [number] : Array<number>(numberOf(layers, full, file)).fill(number);
      }),
    flag: (key) =>
      at(key, (value, full) => {
        if (value.type === 'bool') return value.value;
        throw keyError(file, full, 'true or false', value);
      }),
    has,
  };
}

function numberOf(value: GgufValue, key: string, file: string): number {
  if (value.type === 'f32') return shortest(value.value);
  if (typeof value.value === 'number') return value.value;
  if (typeof value.value === 'bigint') return Number(value.value);
  if (value.type === 'array' && value.of !== 'string' && value.of !== 'bool') {
    // one number a layer, e.g. of heads: the decoder has the same everywhere
    const [first] = Array.from(value.value, Number);
    if (first !== undefined && Array.from(value.value, Number).every((number) => number === first))
      return first;
    throw keyError(file, key, 'the same number for every layer', value);
  }
  throw keyError(file, key, 'a number', value);
}

/** Digits that tell any float32 from its neighbours. */
const float32Digits = 9;

/** The shortest decimal that rounds to a float32: 1e-5 rather than 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits < float32Digits; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/**
 * The `<architecture>.*` part of the metadata.
 * @param model name of the checkpoint, for messages
 * @throws MoeqError when llama.cpp has no such architecture, or its architecture cannot express this decoder
 */
export function metadataOf(decoder: DecoderConfig, model: string): Map<string, GgufValue> {
  const architecture = architectureOf(decoder, model);
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: architecture.name }],
  ]);
  for (const { key, type, of } of architecture.fields) {
    const value = of(decoder);
    if (value !== null) metadata.set(`${architecture.name}.${key}`, { type, value });
  }
  for (const [key, value] of Object.entries(architecture.metadata?.(decoder) ?? {}))
    if (value !== null) metadata.set(`${architecture.name}.${key}`, value);
  for (const [key, value] of ropeScalingMetadata(decoder, architecture.name)) metadata.set(key, value);
  const { vocabularySize, tiedHead } = decoder;
  const layers = [...decoder.layers.keys()];
  const has = (slot: Slot) => layers.some((layer) => tensorShape({ slot, layer }, decoder) !== null);
  const config = configOf(
    architecture,
    metadata,
    { vocabularySize, tiedHead, ropeFactors: null, has },
    model,
  );
  const back = findArchitecture(config, model).decoder(config, model);
  // of models whose decoders are the same one stands for all
  const difference = differenceOf(decoder, { ...back, architecture: decoder.architecture }, 'config');
  if (difference === null) return metadata;
  throw new MoeqError({
    operation: 'write as GGUF',
    subject: model,
    expected: `what ${architecture.name} of llama.cpp can express, ${difference.path} ${difference.other}`,
    found: difference.own,
  });
}

/** @throws MoeqError that lists the known ones */
export function architectureOf(decoder: DecoderConfig, model: string): GgufArchitecture {
  const found = ggufArchitectures.find(({ modelType, alsoWritten = [] }) =>
    [modelType, ...alsoWritten].includes(decoder.architecture),
  );
  if (found !== undefined) return found;
  throw new MoeqError({
    operation: 'write as GGUF',
    subject: model,
    expected: `one of ${ggufModelTypes.join(', ')}`,
    found: decoder.architecture,
  });
}

interface Difference {
  readonly path: string;
  readonly own: string;
  readonly other: string;
}

/** Of a float32, and of a product of two of them. */
const rounding = 2 ** -22;

function same(own: number, other: number): boolean {
  if (Number.isInteger(own) && Number.isInteger(other)) return own === other;
  return Math.abs(own - other) <= rounding * Math.abs(own);
}

/** The first place at which two configurations are not the same; numbers with a fraction count as float32. */
function differenceOf(own: unknown, other: unknown, path: string): Difference | null {
  if (typeof own === 'number' && typeof other === 'number' && same(own, other)) return null;
  if (typeof own !== 'object' || typeof other !== 'object' || own === null || other === null) {
    return own === other ? null : { path, own: JSON.stringify(own), other: JSON.stringify(other) };
  }
  for (const key of new Set([...Object.keys(own), ...Object.keys(other)])) {
    const [a, b] = [own, other].map((side) => (side as Readonly<Record<string, unknown>>)[key]);
    const difference = differenceOf(a, b, `${path}.${key}`);
    if (difference !== null) return difference;
  }
  return null;
}

function keyError(file: string, key: string, expected: string, { type, value }: GgufValue): MoeqError {
  return new MoeqError({
    operation: 'read the configuration',
    subject: `${file}: key ${quote(key)}`,
    expected,
    found: `${type} ${quote(String(value))}`,
  });
}
