// Whether a checkpoint has exactly the tensors that its configuration promises: every place filled once, in one layout
// for the experts of a layer, each with its shape. What does not fit is named with what was expected there.
//
// Shapes: E experts, N rows, K columns.
import {
  type DecoderConfig,
  decoderTensors,
  holdsMatrix,
  layerMoe,
  type MlpName,
  mlpForms,
  type Slot,
  slotNames,
  type TensorPlace,
  tensorShape,
} from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import type { Architecture, Arrangement } from '../config/architecture.js';
import { turnedShape } from './arrangement.js';
import { tensorName } from './names.js';

/** A place as a key: places of the same key are the same. */
export function placeKey({ slot, layer, expert }: TensorPlace): string {
  return `${slot}/${layer ?? ''}/${expert ?? ''}`;
}

/**
 * @param file that holds the tensor
 * @param arrangement how it lies there; null: as the decoder has it
 * @throws MoeqError for a tensor that this model does not have, or of another shape
 */
export function assertPlace(
  name: string,
  place: TensorPlace,
  shape: readonly number[],
  config: DecoderConfig,
  file: string,
  arrangement: Arrangement | null,
): void {
  const promised = tensorShape(place, config);
  if (promised === null) throw unexpected(name, place, config, file);
  const expected = arrangement === null ? promised : turnedShape(promised, arrangement);
  if (isSame(shape, expected)) return;
  // transformers keeps some biases as rows
  if (!holdsMatrix(place, expected.length) && isSame(shape, [1, ...expected])) return;
  const transposed = [...expected.slice(0, -2), ...expected.slice(-2).reverse()];
  const isTransposed = expected.length > 1 && JSON.stringify(transposed) === JSON.stringify(shape);
  throw misfit(
    file,
    `${quote(name)} with shape ${JSON.stringify(expected)}, as config.json says`,
    `${JSON.stringify(shape)}${isTransposed ? ', its transpose' : ''}`,
  );
}

function isSame(shape: readonly number[], expected: readonly number[]): boolean {
  return shape.length === expected.length && shape.every((size, axis) => size === expected[axis]);
}

function unexpected(name: string, place: TensorPlace, config: DecoderConfig, file: string): MoeqError {
  const { layer, expert } = place;
  const found = `tensor ${quote(name)}`;
  if (layer !== undefined && layer >= config.layers.length) {
    return misfit(file, `layers 0 to ${config.layers.length - 1}, as config.json says`, found);
  }
  const layerConfig = layer === undefined ? undefined : config.layers[layer];
  const moe = layerConfig === undefined ? null : layerMoe(layerConfig);
  if (decoderTensors[place.slot].of === 'expert' && moe !== null && expert !== undefined) {
    return misfit(
      file,
      `experts 0 to ${moe.route.experts - 1} in layer ${layer}, as config.json says`,
      found,
    );
  }
  return misfit(
    file,
    `no ${place.slot} in ${layer === undefined ? 'this model' : `layer ${layer}`}, as config.json says`,
    found,
  );
}

/**
 * @param names of the tensors by placeKey
 * @param model name of the checkpoint
 * @throws MoeqError naming the first tensor that is missing, or a layer with an MLP that mixes layouts
 */
export function assertComplete(
  names: ReadonlyMap<string, string>,
  config: DecoderConfig,
  architecture: Architecture,
  model: string,
): void {
  const require = (place: TensorPlace) => {
    if (tensorShape(place, config) === null || names.has(placeKey(place))) return;
    if (place.slot === 'head' && config.tiedHead) return;
    throw misfit(model, `tensor ${quote(tensorName(architecture, place), 120)}`, 'no such tensor');
  };
  for (const slot of slotNames) {
    if (decoderTensors[slot].of === 'model') require({ slot });
  }
  for (const layer of config.layers.keys()) {
    for (const slot of slotNames) {
      if (decoderTensors[slot].of === 'layer' && !ofMlps.has(slot)) require({ slot, layer });
    }
    for (const [mlp, what] of mlpWords)
      assertLayout(
        mlpLayouts(architecture, config, layer, mlp),
        `${what} of layer ${layer}`,
        names,
        model,
        require,
      );
  }
}

const mlpWords = [
  ['dense', 'the dense MLP'],
  ['shared', 'the shared expert'],
  ['expert', 'the experts'],
] as const;

/** Slots that belong to one of the forms of an MLP. */
const ofMlps = new Set<Slot>(
  Object.values(mlpForms).flatMap(({ gateUp, down, downBias }) => [
    ...gateUp.flatMap(({ matrices, biases }) => [...matrices, ...biases]),
    down,
    downBias,
  ]),
);

/** The tensors of an MLP, or of one expert, in each form that files have. */
function formsOf(mlp: MlpName, config: DecoderConfig, layer: number): Slot[][] {
  const { gateUp, down, downBias } = mlpForms[mlp];
  const present = (slots: readonly Slot[]) =>
    slots.filter((slot) => tensorShape({ slot, layer }, config) !== null);
  return gateUp
    .filter(({ matrices }) => present(matrices).length > 0)
    .map(({ matrices, biases }) => present([...matrices, ...biases, down, downBias]));
}

/** The ways in which an MLP of a layer can be stored, as the places that each fills; every one of them or none. */
function mlpLayouts(
  { names }: Architecture,
  config: DecoderConfig,
  layer: number,
  mlp: MlpName,
): TensorPlace[][] {
  const spelled = (slot: Slot, each: boolean) =>
    names[slot]?.some((name) => name.includes('{expert}') === each);
  const layerConfig = config.layers[layer];
  const moe = mlp === 'expert' && layerConfig !== undefined ? layerMoe(layerConfig) : null;
  const experts = Array.from({ length: moe?.route.experts ?? 0 }, (_, expert) => expert);
  return formsOf(mlp, config, layer).flatMap((form) => [
    ...(form.every((slot) => spelled(slot, true))
      ? [experts.flatMap((expert) => form.map((slot) => ({ slot, layer, expert })))]
      : []),
    ...(form.every((slot) => spelled(slot, false)) ? [form.map((slot) => ({ slot, layer }))] : []),
  ]);
}

function assertLayout(
  layouts: readonly TensorPlace[][],
  what: string,
  names: ReadonlyMap<string, string>,
  model: string,
  require: (place: TensorPlace) => void,
): void {
  const present = layouts.map((places) => places.map(placeKey).filter((key) => names.has(key)));
  const most = present.reduce(
    (best, keys, index) => (keys.length > (present[best]?.length ?? 0) ? index : best),
    0,
  );
  const other = present.flat().find((key) => !present[most]?.includes(key));
  if (other !== undefined) {
    const found = [present[most]?.[0] ?? '', other].map((key) => quote(names.get(key), 120));
    throw misfit(model, `one layout for ${what}`, found.join(' and '));
  }
  for (const place of layouts[most] ?? []) require(place);
}

/** Of tensors that are not those which the configuration asks for. */
export function misfit(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'match the tensors to the configuration', subject, expected, found });
}
