// Quantized checkpoints whose parts contradict each other or hold what no weight can be.
import type { Tensor } from '@moeq/tensors';
import type { Cases, Malformed, Spoilt } from './malformed.js';

const named = async (model: Spoilt, suffix: string): Promise<[string, Tensor]> => {
  const found = Object.entries(await model.tensors()).find(([name]) => name.endsWith(suffix));
  if (found === undefined) throw new Error(`no tensor ends in ${suffix}`);
  return found;
};

const quantization = (of: 'bitsandbytes' | 'moeq', fields: object, sentence: RegExp): Malformed => ({
  async spoil(model) {
    const { quantization_config: own } = await model.json('config.json');
    await model.edit('config.json', { quantization_config: { ...(own as object), ...fields } });
  },
  sentence,
  of,
});

/** The first layout of moeq's own form, changed. */
const layout = (fields: object, sentence: RegExp): Malformed => ({
  async spoil(model) {
    const { quantization_config: own } = await model.json('config.json');
    const { layouts, ...rest } = own as { readonly layouts: readonly object[] };
    const [first, ...others] = layouts;
    await model.edit('config.json', {
      quantization_config: { ...rest, layouts: [{ ...first, ...fields }, ...others] },
    });
  },
  sentence,
  of: 'moeq',
});

/** Numbers put into a plane, which shows when weights are read. */
const numbers = (
  suffix: string,
  values: number[],
  sentence: RegExp,
  of: 'bitsandbytes' | 'moeq' = 'bitsandbytes',
): Malformed => ({
  spoil: (model) => model.overwrite(suffix, ...values),
  sentence,
  of,
  commands: ['generate'],
});

const retype = (
  suffix: string,
  change: (tensor: Tensor) => Tensor | undefined,
  sentence: RegExp,
): Malformed => ({
  async spoil(model) {
    const [name, tensor] = await named(model, suffix);
    await model.retensor({ [name]: change(tensor) });
  },
  sentence,
  of: 'bitsandbytes',
  commands: ['generate'],
});

const state = '.quant_state.bitsandbytes__nf4';
const stateText =
  (from: string, to: string) =>
  (tensor: Tensor): Tensor => {
    const data = new TextEncoder().encode(new TextDecoder().decode(tensor.data).replace(from, to));
    return { dtype: 'U8', shape: [data.length], data };
  };
const noFinite = /finite numbers in plane scales/;

export const quantizedCases: Cases = {
  'an unknown method': quantization(
    'bitsandbytes',
    { quant_method: 'hqq' },
    /quant_method bitsandbytes, fp8, moeq, mxfp4, .* or modelopt, found "hqq"/,
  ),
  'another type than the tensors': quantization(
    'bitsandbytes',
    { bnb_4bit_quant_type: 'fp4' },
    /is, nf4-dq, found fp4-dq/,
  ),
  '8 bits where there are 4': quantization(
    'bitsandbytes',
    { load_in_4bit: false, load_in_8bit: true },
    /is, nf4-dq, found int8/,
  ),
  'single scales where they are nested': quantization(
    'bitsandbytes',
    { bnb_4bit_use_double_quant: false },
    /is, nf4-dq, found nf4/,
  ),
  'a quantization that config.json keeps quiet about': {
    spoil: (model) => model.edit('config.json', { quantization_config: undefined }),
    sentence: /only tensors that mixtral has, found ".*\.(?:absmax|quant_map)"/,
    of: 'bitsandbytes',
  },
  'a quantization that no tensor has': {
    spoil: (model) =>
      model.edit('config.json', {
        quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'nf4' },
      }),
    sentence: /tensors quantized as quantization_config says, bitsandbytes, found none/,
  },
  'a group size that the scales are too few for': {
    ...layout({ blockSize: 48 }, /\.scales: cannot read .*expected U8 \[128\] of 128 bytes, found U8 \[96\]/),
    commands: ['generate'],
  },
  'a group size of 0': layout({ blockSize: 0 }, /config\.json: .*a number from 1, found/),
  'a group size of half a weight': layout({ blockSize: 0.5 }, /config\.json: .*a whole number/),
  'a code table of 15': layout(
    { decode: { kind: 'codebook', values: Array(15).fill(0) } },
    /a table of 16 numbers/,
  ),
  'a code table past float32': layout(
    { decode: { kind: 'codebook', values: Array(16).fill(1e39) } },
    /a finite float32/,
  ),
  'an unknown kind of zero': layout(
    { decode: { kind: 'affine', zero: { kind: 'middle' } } },
    /config\.json: .*"middle"/,
  ),
  'an unknown order of codes': layout({ order: 'middleFirst' }, /config\.json: .*"middleFirst"/),

  'a group size unlike the state': retype(
    state,
    stateText('"blocksize": 64', '"blocksize": 128'),
    /plane scales/,
  ),
  'a group size that no method has': retype(
    state,
    stateText('"blocksize": 64', '"blocksize": 65'),
    /blocksize: .*found "?65/,
  ),
  'a shape unlike the codes': retype(
    state,
    stateText('[96, 64]', '[96, 65]'),
    /plane codes U8 \[3120\] of 3120 bytes, found U8 of 3072 bytes/,
  ),
  'an infinite nested offset': retype(
    state,
    stateText('"nested_offset": ', '"nested_offset": 1e999, "x": '),
    /nested_offset/,
  ),
  'scales that are NaN': numbers('.scales', [Number.NaN], noFinite, 'moeq'),
  'scales that are infinite': numbers(
    '.scales',
    [1, Number.NEGATIVE_INFINITY],
    /plane scales, found NaN or infinity at 1/,
    'moeq',
  ),
  'a nested absmax that is NaN': numbers(
    '.nested_absmax',
    [Number.NaN],
    /finite numbers in plane scalesNested/,
  ),
  'a nested absmax that is infinite': numbers(
    '.nested_absmax',
    [Number.POSITIVE_INFINITY],
    /plane scalesNested/,
  ),
  'a code table with a NaN': numbers(
    '.weight.quant_map',
    [Number.NaN],
    /a finite codebook, found NaN at code 0/,
  ),
  'a nested absmax out of range': numbers('.nested_absmax', [3e38], /a finite number|NaN|infinity/i),
  'a nested table with infinity': numbers(
    '.nested_quant_map',
    [Number.POSITIVE_INFINITY],
    /a finite nested codebook/,
  ),
  'codes cut short': {
    ...retype(
      '.experts.0.w1.weight',
      ({ data }) => ({ dtype: 'U8', shape: [100, 1], data: data.slice(0, 100) }),
      /of 3072 bytes, \[96,64\] in nf4-dq, found 100/,
    ),
    commands: ['quantize', 'inspect', 'generate'],
  },
  'codes of another type': retype(
    '.absmax',
    ({ data }) => ({ dtype: 'I8', shape: [data.length], data }),
    /expected U8, found I8/,
  ),
  'a state that is missing': {
    ...retype(state, () => undefined, /only tensors that mixtral has|found no such tensor/),
    commands: ['quantize', 'inspect', 'generate'],
  },
};

/** What is unusual but means something, and so is read. */
export const acceptedCases: Readonly<Record<string, Omit<Malformed, 'sentence'>>> = {
  'scales of zero': { spoil: (model) => model.overwrite('.scales', 0, 0), of: 'moeq' },
  'subnormal and negative scales': { spoil: (model) => model.overwrite('.scales', 1e-45, -1e-3), of: 'moeq' },
  'a code table with other numbers': {
    spoil: (model) => model.overwrite('.weight.quant_map', -0.99, -0.7),
    of: 'bitsandbytes',
  },
};
