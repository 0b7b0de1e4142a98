// The rules that shapes obey, whichever backend computes: one place for the checks and their messages.
//
// Shapes: T tokens, D hidden, N rows, K columns, H heads, HK key/value heads, C head dimension, CV value dimension,
// F intermediate.
import { assertQuantizedTensor, byteLength, isQuantized, MoeqError, quote } from '@moeq/tensors';
import type { KvCacheSpec, MatrixData, MlpData, StateCacheSpec } from './resources.js';
import { floatMatrixDTypes } from './resources.js';
import type {
  AttentionSpec,
  ConvolutionSpec,
  DeltaRuleSpec,
  GroupColumns,
  Segment,
  StateSegment,
} from './step.js';

const mismatch = (operation: string, subject: string, expected: string, found: string): MoeqError =>
  new MoeqError({ code: 'mismatch', operation, subject, expected, found });

/** @throws MoeqError unless both sizes are the same */
export function assertSize(operation: string, subject: string, expected: number, found: number): void {
  if (found !== expected) throw mismatch(operation, subject, `${expected}`, `${found}`);
}

/** @throws MoeqError unless a layer can have so many experts */
export function assertExpertCount(experts: number): void {
  if (!Number.isSafeInteger(experts) || experts < 1)
    throw new MoeqError({
      operation: 'load',
      subject: 'experts',
      expected: 'at least 1',
      found: `${experts}`,
    });
}

/**
 * [N, K] of matrices stacked one below the other. Checks dtypes, byte lengths and layouts too.
 * @param withoutLayout whether a quantized matrix may come without a layout; nothing but its shape can be checked then
 * @throws MoeqError when there is none, one is no matrix that a backend can read, or their columns differ
 */
export function weightShape(
  parts: readonly MatrixData[],
  subject = 'weight',
  withoutLayout = false,
): { rows: number; columns: number } {
  const first = parts[0];
  if (first === undefined) {
    throw new MoeqError({ operation: 'load', subject, expected: 'at least one matrix', found: 'none' });
  }
  const [, columns] = matrixShape(first, subject, withoutLayout);
  let rows = 0;
  for (const part of parts) {
    const [partRows, partColumns] = matrixShape(part, subject, withoutLayout);
    assertSize('stack', `${subject}: columns`, columns, partColumns);
    rows += partRows;
  }
  return { rows, columns };
}

function matrixShape(
  data: MatrixData,
  subject: string,
  withoutLayout: boolean,
): readonly [rows: number, columns: number] {
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({ operation: 'load', subject, expected, found });
  };
  const [rows = 0, columns = 0, ...rest] = data.shape;
  const isMatrix =
    rest.length === 0 && [rows, columns].every((size) => Number.isSafeInteger(size) && size > 0);
  if (!isMatrix) fail('a matrix [rows, columns]', quote(data.shape));
  if (isQuantized(data)) {
    if (data.layout === null) {
      if (withoutLayout) return [rows, columns];
      fail('a layout (its quantizer has to dequantize it first)', `none in format ${quote(data.format)}`);
    }
    assertQuantizedTensor(data, subject);
  } else {
    if (!floatMatrixDTypes.some((dtype) => dtype === data.dtype))
      fail(floatMatrixDTypes.join(', '), data.dtype);
    assertSize('load', `${subject}: bytes`, byteLength(data.dtype, data.shape), data.data.byteLength);
  }
  return [rows, columns];
}

/**
 * N, the rows of each head.
 * @throws MoeqError unless all heads have as many
 */
export function rowsOfHead(rows: number, heads: number): number {
  if (!Number.isSafeInteger(heads) || heads < 1 || rows % heads !== 0)
    throw mismatch('load', 'head weights: heads', `a number that divides ${rows} rows`, `${heads}`);
  return rows / heads;
}

/** What experts of one layer have in common. */
export interface MlpShape {
  /** D */
  readonly hidden: number;
  /** F */
  readonly intermediate: number;
  readonly gated: boolean;
  /** Lengths of the biases; 0: none. */
  readonly gateUpBias: number;
  readonly downBias: number;
}

/**
 * [2F, D] or [F, D], and [D, F], of an expert or MLP.
 * @throws MoeqError when gate, up, down and biases do not fit each other
 */
export function mlpShape(data: MlpData, subject = 'mlp', withoutLayout = false): MlpShape {
  const gateUp = weightShape(data.gateUp, `${subject} gateUp`, withoutLayout);
  const down = weightShape([data.down], `${subject} down`, withoutLayout);
  const gated = gateUp.rows !== down.columns;
  if (gated && gateUp.rows !== 2 * down.columns) {
    const expected = `${2 * down.columns}, or ${down.columns} without a gate`;
    throw mismatch('load', `${subject}: rows of gate and up`, expected, `${gateUp.rows}`);
  }
  assertSize('load', `${subject}: columns of gate and up`, down.rows, gateUp.columns);
  const { gateUpBias, downBias } = data;
  if (gateUpBias !== undefined)
    assertSize('load', `${subject}: bias of gate and up`, gateUp.rows, gateUpBias.length);
  if (downBias !== undefined) assertSize('load', `${subject}: bias of down`, down.rows, downBias.length);
  return {
    hidden: down.rows,
    intermediate: down.columns,
    gated,
    gateUpBias: gateUpBias?.length ?? 0,
    downBias: downBias?.length ?? 0,
  };
}

/**
 * @param cache what it is, for the message
 * @throws MoeqError when a size is no positive integer; that of values may be 0
 */
export function assertCacheSpec(cache: string, spec: KvCacheSpec | StateCacheSpec): void {
  for (const [name, size] of Object.entries(spec)) {
    const least = name === 'valueDim' ? 0 : 1;
    if (!Number.isSafeInteger(size) || size < least) {
      throw new MoeqError({
        operation: 'create',
        subject: `${cache}: ${name}`,
        expected: least === 0 ? 'an integer of at least 0' : 'a positive integer',
        found: `${size}`,
      });
    }
  }
}

/** Columns of attention: of prepared queries, of keys and values as they are kept, and of its output. */
export interface AttentionWidths {
  readonly queries: number;
  readonly keys: number;
  readonly values: number;
  readonly output: number;
}

/**
 * How wide queries [H C], keys [HK C], values [HK CV] and output [H CV] are.
 * @throws MoeqError when the specification does not fit the cache or contradicts itself
 */
export function attentionWidths(spec: AttentionSpec, cache: KvCacheSpec): AttentionWidths {
  const { heads, kvHeads, headDim, rope, queryNorm, keyNorm, window, sinks, gate } = spec;
  assertSize('attend', 'key/value heads', cache.kvHeads, kvHeads);
  assertSize('attend', 'head dimension', cache.headDim, headDim);
  const check = (subject: string, holds: boolean, expected: string, found: number): void => {
    if (!holds) throw mismatch('attend', subject, expected, `${found}`);
  };
  check('heads', heads > 0 && heads % kvHeads === 0, `a multiple of the ${kvHeads} key/value heads`, heads);
  check('dimensions of values', cache.valueDim !== 0, 'a cache that holds values', 0);
  check(
    'window',
    window === undefined || (Number.isSafeInteger(window) && window > 0),
    'a positive integer',
    window ?? 0,
  );
  if (rope !== null) {
    const rotated = 2 * rope.inverseFrequencies.length;
    check('rotated dimensions', rotated <= headDim, `at most the head dimension ${headDim}`, rotated);
  }
  const widths = {
    queries: heads * headDim,
    keys: kvHeads * headDim,
    values: kvHeads * (cache.valueDim ?? headDim),
    output: heads * (cache.valueDim ?? headDim),
  };
  if (queryNorm !== undefined) {
    const width = queryNorm.over === 'head' ? headDim : widths.queries;
    assertSize('attend', 'query norm weights', width, queryNorm.weight.length);
  }
  if (keyNorm !== undefined) {
    const width = keyNorm.over === 'head' ? headDim : widths.keys;
    assertSize('attend', 'key norm weights', width, keyNorm.weight.length);
  }
  if (spec.keysAsValues === true)
    assertSize('attend', 'dimensions of values that are keys', headDim, cache.valueDim ?? headDim);
  if (sinks !== undefined) assertSize('attend', 'sinks', heads, sinks.length);
  if (gate?.placed === 'withQueries' && queryNorm?.over === 'all')
    throw mismatch('attend', 'query norm', 'one over each head, as gates stand between the queries', 'all');
  return widths;
}

/**
 * Checks that segments cover the rows of the step and stay within the cache.
 * @param tokens T, rows of the activations
 * @param rope how the segments turn where they do not say themselves
 * @param window tokens that one sees; pages before those of the first may be -1
 * @throws MoeqError at the first segment that does not
 */
export function assertSegments(
  segments: readonly Segment[],
  tokens: number,
  { pageSize, pages }: KvCacheSpec,
  { rope, window }: Pick<AttentionSpec, 'rope' | 'window'>,
): void {
  let covered = 0;
  segments.forEach((segment, index) => {
    const subject = `segment ${index}`;
    const fail = (expected: string, found: string): never => {
      throw mismatch('attend', subject, expected, found);
    };
    if (!Number.isSafeInteger(segment.start) || segment.start < 0)
      fail('a start of at least 0', `${segment.start}`);
    if (!Number.isSafeInteger(segment.tokens) || segment.tokens < 1)
      fail('at least 1 token', `${segment.tokens}`);
    const pairs = rope?.inverseFrequencies.length ?? 0;
    const own = segment.inverseFrequencies?.length ?? pairs;
    if (own !== pairs) fail(`${pairs} inverse frequencies`, `${own}`);
    const needed = Math.ceil((segment.start + segment.tokens) / pageSize);
    if (segment.pages.length < needed) fail(`${needed} pages`, `${segment.pages.length}`);
    const unseen = unseenPages(segment.start, window, pageSize);
    const wrong = segment.pages.find((page, at) => page >= pages || page < (at < unseen ? -1 : 0));
    if (wrong !== undefined) fail(`pages from 0 to ${pages - 1} (-1 before the window)`, `${wrong}`);
    covered += segment.tokens;
  });
  assertSize('attend', 'tokens of all segments', tokens, covered);
}

/**
 * C, the channels of a convolution.
 * @param given columns of the activations
 * @throws MoeqError when the specification does not fit the cache or the activations
 */
export function convolutionChannels(
  { taps, gated, first, bias, silu, columns }: ConvolutionSpec,
  { parts: channels, size }: StateCacheSpec,
  given: number,
): number {
  if (gated && (first !== undefined || bias !== undefined || silu === true || columns !== undefined))
    throw mismatch('convolve', 'gates', 'no choice of columns, bias or silu beside them', 'one');
  if (!Number.isSafeInteger(taps) || taps < 2)
    throw mismatch('convolve', 'taps', 'an integer of at least 2', `${taps}`);
  assertSize('convolve', 'inputs that the cache keeps', taps - 1, size);
  const whole = gated ? 3 * channels : channels;
  if (columns === undefined && first === undefined)
    assertSize('convolve', 'columns of the activations', whole, given);
  else if (columns === undefined)
    assertColumns('convolve', 'columns of the activations', first ?? 0, whole, given);
  if (columns === undefined) return channels;
  if (first !== undefined)
    throw mismatch('convolve', 'columns of channels', 'a choice or a first one', 'both');
  const { groups, parts } = columns;
  for (const part of parts) assertGroupColumns('convolve', 'columns of channels', part, groups, given);
  const chosen = parts.reduce((sum, { width }) => sum + groups * width, 0);
  assertSize('convolve', 'columns of channels', channels, chosen);
  return channels;
}

/** @throws MoeqError when columns of groups reach beyond those that there are */
function assertGroupColumns(
  operation: string,
  subject: string,
  { at, stride, width }: GroupColumns,
  groups: number,
  given: number,
): void {
  const end = at + (groups - 1) * stride + width;
  const whole = [at, stride, width, groups].every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!whole || end > given) throw mismatch(operation, subject, `columns below ${given}`, `up to ${end}`);
}

/** Columns of what a delta rule reads and gives. */
export interface DeltaRuleWidths {
  readonly qkv: number;
  readonly weights: number;
  readonly output: number;
}

/**
 * @param given columns of the activations
 * @throws MoeqError when the specification does not fit the cache or the activations
 */
export function deltaRuleWidths(
  { heads, keyHeads, keyDim, valueDim, decayPer, places }: DeltaRuleSpec,
  { parts, size }: StateCacheSpec,
  given: { readonly [Input in keyof DeltaRuleSpec['places']]: number },
): DeltaRuleWidths {
  const operation = 'apply the delta rule';
  if (!(keyHeads > 0 && heads > 0 && heads % keyHeads === 0))
    throw mismatch(operation, 'heads', `a multiple of the ${keyHeads} key heads`, `${heads}`);
  assertSize(operation, 'heads of the cache', heads, parts);
  assertSize(operation, 'numbers that the cache keeps of a head', keyDim * valueDim, size);
  const group = heads / keyHeads;
  const decays = decayPer === 'head' ? 1 : keyDim;
  const widths = { beta: group, decay: group * decays, gate: group * valueDim };
  for (const input of ['beta', 'decay', 'gate'] as const) {
    const columns = { ...places[input], width: widths[input] };
    assertGroupColumns(operation, `columns of ${input}`, columns, keyHeads, given[input]);
  }
  return {
    qkv: 2 * keyHeads * keyDim + heads * valueDim,
    weights: heads + heads * decays + valueDim,
    output: heads * valueDim,
  };
}

/**
 * Checks that segments cover the rows of the step, and that no slot is written that another segment, or itself, uses.
 * @param tokens T, rows of the activations
 * @throws MoeqError at the first segment that does not fit
 */
export function assertStateSegments(
  operation: string,
  segments: readonly StateSegment[],
  tokens: number,
  { slots }: StateCacheSpec,
): void {
  const read = new Set(segments.map(({ from }) => from));
  const written = new Set<number>();
  let covered = 0;
  for (const [index, { tokens: own, from, to }] of segments.entries()) {
    const check = (holds: boolean, expected: string, found: string): void => {
      if (!holds) throw mismatch(operation, `segment ${index}`, expected, found);
    };
    const isSlot = (slot: number): boolean => Number.isSafeInteger(slot) && slot >= 0 && slot < slots;
    check(Number.isSafeInteger(own) && own >= 1, 'at least 1 token', `${own}`);
    check(from === -1 || isSlot(from), `a state from a slot up to ${slots - 1}, or -1`, `${from}`);
    check(isSlot(to), `a state to a slot from 0 to ${slots - 1}`, `${to}`);
    check(!read.has(to), 'a state to a slot that no segment reads', `slot ${to}, which one reads`);
    check(!written.has(to), 'a slot of its own for its state', `slot ${to}, which another writes`);
    written.add(to);
    covered += own;
  }
  assertSize(operation, 'tokens of all segments', tokens, covered);
}

/**
 * Pages that lie wholly before the first position that a token at `position` sees: they need not be there any more.
 * @param window tokens that a token sees, itself among them; undefined: all
 */
export function unseenPages(position: number, window: number | undefined, pageSize: number): number {
  return window === undefined ? 0 : Math.floor(Math.max(0, position + 1 - window) / pageSize);
}

/** @throws MoeqError unless there are so many columns from `first` on */
export function assertColumns(
  operation: string,
  subject: string,
  first: number,
  columns: number,
  found: number,
): void {
  if (!Number.isSafeInteger(first) || first < 0 || first + columns > found)
    throw mismatch(operation, subject, `${columns} from column ${first} on`, `${found}`);
}

/** @throws MoeqError unless columns can be divided into so many groups */
export function assertGroups(operation: string, columns: number, groups: number): void {
  if (!Number.isSafeInteger(groups) || groups < 1 || columns % groups !== 0)
    throw mismatch(operation, 'groups', `a number that divides ${columns} columns`, `${groups}`);
}

/**
 * Columns of `count` values as that many rows.
 * @throws MoeqError unless they fill one row or more
 */
export function inputColumns(count: number, rows: number): number {
  const columns = count / rows;
  if (!Number.isSafeInteger(rows) || !Number.isSafeInteger(columns) || rows < 1 || columns < 1) {
    throw mismatch('take as input', `${count} values`, 'a number of rows that divides them', `${rows}`);
  }
  return columns;
}

/** @throws MoeqError when there is no index, or one is outside 0 to count - 1 */
export function assertIndices(
  operation: string,
  subject: string,
  indices: ArrayLike<number>,
  count: number,
): void {
  if (indices.length === 0) throw mismatch(operation, subject, 'at least one', 'none');
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    if (!(index >= 0 && index < count)) {
      throw mismatch(operation, subject, `indices from 0 to ${count - 1}`, `${index}`);
    }
  }
}
