// A config.json from the metadata of a GGUF file, and the metadata from a decoder's configuration. What is written is read
// back and has to give the same decoder, so a model that llama.cpp's architecture cannot express is refused, not changed.
import type { DecoderConfig } from '@moeq/runtime';
import { type GgufMetadata, type GgufValue, MoeqError, quote } from '@moeq/tensors';
import { findArchitecture } from '../config/architectures.js';
import {
  findGgufArchitecture,
  type GgufArchitecture,
  ggufArchitectures,
  ggufModelTypes,
} from './architectures.js';
import { ropeScalingMetadata, ropeScalingOf } from './rope-scaling.js';

/** Facts that the tensors of a file tell, and its metadata may not. */
interface TensorFacts {
  readonly vocabularySize: number;
  readonly tiedHead: boolean;
  /** What each frequency of the rotation is divided by; null where no tensor says so. */
  readonly ropeFactors: readonly number[] | null;
}

/** @throws MoeqError naming a key of another type than its field has */
export function configOf(metadata: GgufMetadata, facts: TensorFacts, file: string): Record<string, unknown> {
  const architecture = findGgufArchitecture(metadata, file);
  const config: Record<string, unknown> = {
    architectures: [architecture.className],
    model_type: architecture.modelType,
    vocab_size: facts.vocabularySize,
  };
  for (const { key, field } of architecture.fields) {
    const full = `${architecture.name}.${key}`;
    const value = metadata.get(full);
    if (field !== null && value !== undefined) config[field] = numberOf(value, full, file);
  }
  Object.assign(config, architecture.constants, { tie_word_embeddings: facts.tiedHead });
  const scaling = ropeScalingOf(metadata, architecture.name, facts.ropeFactors, (key) => {
    const value = metadata.get(key);
    return value === undefined ? null : numberOf(value, key, file);
  });
  return scaling === null ? config : { ...config, rope_scaling: scaling };
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
  for (const [key, value] of ropeScalingMetadata(decoder, architecture.name)) metadata.set(key, value);
  const { vocabularySize, tiedHead } = decoder;
  const config = configOf(metadata, { vocabularySize, tiedHead, ropeFactors: null }, model);
  const back = findArchitecture(config, model).decoder(config, model);
  const difference = differenceOf(decoder, back, 'config');
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
  const found = ggufArchitectures.find(({ modelType }) => modelType === decoder.architecture);
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
