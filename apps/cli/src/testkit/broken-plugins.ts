// Plugins that break the contract of a quantizer, each in one way. The sound one holds weights as float32, without a layout.

const sound = `{
  specificationVersion: 'v1', name: 'mine', options: {},
  layout: () => null,
  quantize: (weights, shape, { dtype }) => ({
    format: 'mine', shape, dtype, layout: null,
    planes: { floats: { dtype: 'F32', data: new Uint8Array(weights.slice().buffer) } },
  }),
  dequantize: ({ planes }) => new Float32Array(planes.floats.data.slice().buffer),
}`;

/** A module whose quantizer is the sound one with other members. */
const but = (members: string): string =>
  `const sound = ${sound};\nexport default { ...sound, ${members} };\n`;

const decoded = (expression: string): string =>
  but(`dequantize(tensor) { const values = sound.dequantize(tensor); ${expression} }`);

const made = (expression: string): string =>
  but(`quantize(weights, shape, context) {
    const tensor = sound.quantize(weights, shape, context); ${expression} }`);

export const soundPlugin = but('');

export interface BrokenPlugin {
  readonly what: string;
  readonly module: string;
  /** What the error has to say after the quantizer and the tensor are named. */
  readonly says: RegExp;
}

const layout = `{ bitsPerCode: 8, order: 'lowFirst', blockSize: 32, blocks: 'row',
  decode: { kind: 'affine', zero: { kind: 'signed' } }, scale: { kind: 'plain', dtype: 'F32', multiplier: 1 } }`;

/** Found when a tensor is quantized or decoded. */
export const brokenQuantizers: readonly BrokenPlugin[] = [
  {
    what: 'decodes to NaN',
    module: decoded('return values.fill(NaN);'),
    says: /finite numbers, found NaN at element 0/,
  },
  {
    what: 'decodes to one infinity',
    module: decoded('values[7] = -Infinity; return values;'),
    says: /found -Infinity at element 7/,
  },
  {
    what: 'decodes to too few',
    module: decoded('return values.subarray(1);'),
    says: /expected \d+ numbers, found \d+/,
  },
  {
    what: 'decodes to none',
    module: decoded('return values.subarray(0, 0);'),
    says: /expected \d+ numbers, found 0/,
  },
  {
    what: 'decodes to too many',
    module: decoded('return new Float32Array(values.length + 1);'),
    says: /expected \d+ numbers, found \d+/,
  },
  {
    what: 'decodes to float64',
    module: decoded('return Float64Array.from(values);'),
    says: /a Float32Array of \d+ numbers, found Float64Array/,
  },
  {
    what: 'decodes to a list',
    module: decoded('return [...values];'),
    says: /a Float32Array of \d+ numbers/,
  },
  {
    what: 'decodes to a proxy of an array',
    module: decoded('return new Proxy(values, {});'),
    says: /a Float32Array of \d+ numbers/,
  },
  { what: 'decodes to nothing', module: decoded(''), says: /found nothing/ },
  {
    what: 'decodes to a promise',
    module: decoded('return Promise.resolve(values);'),
    says: /a value at once, found a promise/,
  },
  {
    what: 'decodes to a promise that fails',
    module: decoded('return Promise.reject(new Error("late"));'),
    says: /found a promise/,
  },
  {
    what: 'remembers the last weights and stores zeros',
    module: but(`quantize(weights, shape, context) {
      this.last = weights.slice();
      const tensor = sound.quantize(weights, shape, context);
      tensor.planes.floats.data.fill(0);
      return tensor; }, dequantize() { return this.last; }`),
    says: /the same numbers from the same planes, found others after another matrix/,
  },
  {
    what: 'remembers the first weights and stores zeros',
    module: but(`quantize(weights, shape, context) {
      this.first ??= new Map();
      const key = String(shape);
      if (!this.first.has(key)) this.first.set(key, weights.slice());
      const tensor = sound.quantize(weights, shape, context);
      tensor.planes.floats.data.fill(0);
      return tensor; }, dequantize({ shape }) { return this.first.get(String(shape)); }`),
    says: /numbers that follow from the planes, found the same for weights and for their negatives/,
  },
  {
    what: 'gives the weights in their order and stores zeros',
    module: but(`quantize(weights, shape, context) {
      this.queue ??= [];
      this.queue.push(weights.slice());
      const tensor = sound.quantize(weights, shape, context);
      tensor.planes.floats.data.fill(0);
      return tensor; }, dequantize() { return this.queue.length > 1 ? this.queue.shift() : this.queue[0]; }`),
    says: /the same numbers from the same planes, found others/,
  },
  {
    what: 'decodes otherwise every time',
    module: but(`dequantize(tensor) {
      this.count = (this.count ?? 0) + 1;
      return sound.dequantize(tensor).map((value) => value * this.count); }`),
    says: /the same numbers from the same planes, found others/,
  },
  {
    what: 'throws when it decodes',
    module: decoded('throw new Error("boom");'),
    says: /dequantize\(\): .*the error "boom"/,
  },
  {
    what: 'throws when it quantizes',
    module: made('throw new TypeError("boom");'),
    says: /quantize\(\): .*the error "boom"/,
  },
  { what: 'throws text', module: made('throw "boom";'), says: /"boom" thrown/ },
  { what: 'throws nothing', module: made('throw undefined;'), says: /"undefined" thrown/ },
  {
    what: 'quantizes to a promise',
    module: but('async quantize(...all) { return sound.quantize(...all); }'),
    says: /found a promise/,
  },
  { what: 'quantizes to nothing', module: made(''), says: /a quantized tensor, found nothing/ },
  { what: 'quantizes to text', module: made('return "codes";'), says: /a quantized tensor, found "codes"/ },
  {
    what: 'has no planes',
    module: made('return { ...tensor, planes: undefined };'),
    says: /planes, found nothing/,
  },
  {
    what: 'has a plane without bytes',
    module: made('return { ...tensor, planes: { floats: { dtype: "F32" } } };'),
    says: /plane "floats" with a dtype and the bytes/,
  },
  {
    what: 'has a plane of an unknown dtype',
    module: made('return { ...tensor, planes: { floats: { dtype: "F99", data: new Uint8Array(4) } } };'),
    says: /known dtype of plane "floats"/,
  },
  {
    what: 'has a plane of half an element',
    module: made('return { ...tensor, planes: { floats: { dtype: "F32", data: new Uint8Array(5) } } };'),
    says: /whole elements in plane "floats", found F32 of 5 bytes/,
  },
  {
    what: 'has another shape',
    module: made('return { ...tensor, shape: [1, 1] };'),
    says: /shape \[\d+, \d+\], found "\[1,1\]"/,
  },
  {
    what: 'has a shape of big integers',
    module: made('return { ...tensor, shape: shape.map(BigInt) };'),
    says: /quantize\(\): expected shape \[\d+, \d+\]/,
  },
  {
    what: 'has a plane that throws where it is looked at',
    module: made('return { ...tensor, planes: { floats: { get data() { throw new Error("boom"); } } } };'),
    says: /quantize\(\): .*the error "boom"/,
  },
  {
    what: 'has planes that throw where they are listed',
    module: made('return { ...tensor, planes: new Proxy({}, { ownKeys() { throw new Error("boom"); } }) };'),
    says: /quantize\(\): .*the error "boom"/,
  },
  {
    what: 'has another format',
    module: made('return { ...tensor, format: "yours" };'),
    says: /format "mine", found "yours"/,
  },
  {
    what: 'has another dtype',
    module: made('return { ...tensor, dtype: "F64" };'),
    says: /dtype BF16, found "F64"/,
  },
  {
    what: 'throws in layout()',
    module: but('layout() { throw new Error("boom"); }'),
    says: /layout\(\[\d+, \d+\]\): .*"boom"/,
  },
  {
    what: 'has a layout that is none',
    module: but('layout: () => ({})'),
    says: /layout\(\[\d+, \d+\]\): expected bitsPerCode 4 or 8/,
  },
  {
    what: 'lies in layout()',
    module: but(`layout: () => (${layout})`),
    says: /the layout that layout\(\) gives, found another one/,
  },
  {
    what: 'lacks a plane of its layout',
    module: but(`layout: () => (${layout}), quantize: (weights, shape, { dtype }) => ({
      format: 'mine', shape, dtype, layout: ${layout},
      planes: { codes: { dtype: 'U8', data: new Uint8Array(weights.length) } } })`),
    says: /plane scales, found planes codes/,
  },
];

/** Found when the module is imported. */
export const brokenModules: readonly BrokenPlugin[] = [
  {
    what: 'throws when it is imported',
    module: 'throw new Error("boom");',
    says: /a module that loads, found the error "boom"/,
  },
  { what: 'throws text when it is imported', module: 'throw "boom";', says: /found "boom" thrown/ },
  { what: 'is no JavaScript', module: 'export default {', says: /a module that loads, found the error/ },
  {
    what: 'imports what is not there',
    module: 'import "nowhere-at-all";\nexport default {};',
    says: /found the error "Cannot find package/,
  },
  {
    what: 'has no default export',
    module: 'export const quantizer = 1;',
    says: /a default export, found none/,
  },
  { what: 'exports nothing', module: 'export default undefined;', says: /cannot use it as a quantizer/ },
  {
    what: 'exports a number',
    module: 'export default 7;',
    says: /cannot use it as a quantizer: expected an object, found 7/,
  },
  {
    what: 'exports an empty list',
    module: 'export default [];',
    says: /at least one quantizer, found an empty list/,
  },
  {
    what: 'exports a class',
    module: 'export default class Mine {}',
    says: /a function that makes quantizers, found the error/,
  },
  {
    what: 'has a factory that throws',
    module: 'export default () => { throw new Error("boom"); };',
    says: /found the error "boom"/,
  },
  {
    what: 'has a factory that makes nothing',
    module: 'export default () => {};',
    says: /cannot use it as a quantizer/,
  },
  {
    what: 'throws where it is looked at',
    module: 'export default { get specificationVersion() { throw new Error("boom"); } };',
    says: /a quantizer, found the error "boom"/,
  },
  {
    what: 'has options that are no JSON',
    module: but('options: { big: 1n }'),
    says: /options that JSON can hold/,
  },
  {
    what: 'has an option that is NaN, which JSON writes as null',
    module: but('options: { levels: [0, NaN] }'),
    says: /options that JSON can hold/,
  },
  {
    what: 'has a typed array among its options, which JSON writes as an object',
    module: but('options: { levels: Float32Array.of(0, 1) }'),
    says: /options that JSON can hold/,
  },
  {
    what: 'has a function among its options, which JSON leaves out',
    module: but('options: { scale: () => 1 }'),
    says: /options that JSON can hold/,
  },
  {
    what: 'has options in a circle',
    module: but('options: (() => { const circle = {}; circle.circle = circle; return circle; })()'),
    says: /options that JSON can hold/,
  },
  {
    what: 'lacks dequantize',
    module: but('dequantize: undefined'),
    says: /mine\.mjs: dequantize: cannot use it as a quantizer: expected a function/,
  },
];
