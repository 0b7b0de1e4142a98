// The instructions of mixers of tokens: attention, convolutions and recurrences.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension, P rotated pairs.
import { gateKinds, normScopes } from './enumerations.js';
import { type Fields, list } from './fields.js';

/** Columns of a result: the first one's address, and how many the rows have. */
const columns = { address: 'address', columns: 'u32' } as const satisfies Fields;

const norm = { over: normScopes, weight: 'address', epsilon: 'f32' } as const satisfies Fields;

/** A number, or several, of each head: those of the heads of a key head from column at on, `stride` columns to the next. */
const ofHeads = { x: 'address', columns: 'u32', at: 'u32', stride: 'u32' } as const satisfies Fields;

/** `QueryFactor` of @moeq/kernels; every is 0: none. */
const queryFactor = { slope: 'f32', every: 'f32', offset: 'f32' } as const satisfies Fields;

const attentionRow = {
  columns: 'u32',
  queryStride: 'u32',
  keysAt: 'u32',
  valuesAt: 'u32',
  gateWidth: 'u32',
  gateAt: 'u32',
  gateStride: 'u32',
} as const satisfies Fields;

export const mixerInstructions = {
  attention: {
    qkv: 'address',
    /** `AttentionRow` of @moeq/kernels. */
    row: attentionRow,
    /** H, HK, C, CV */
    heads: 'u32',
    kvHeads: 'u32',
    headDim: 'u32',
    valueDim: 'u32',
    /** Float32 [T, P] */
    cos: 'address',
    sin: 'address',
    /** P; 0: no rotation. */
    pairs: 'u32',
    interleaved: 'flag',
    scale: 'f32',
    /** Positions that a query sees; 0: all. */
    window: 'u32',
    /** It begins at multiples of itself. */
    chunked: 'flag',
    queryFactor,
    clips: 'flag',
    clip: 'f32',
    queryNorm: norm,
    keyNorm: norm,
    normsTurned: 'flag',
    valueNorms: 'flag',
    valueEpsilon: 'f32',
    /** Keys and values are in the cache; a row has none. */
    keysInCache: 'flag',
    /** Float32 [H]; 0: none. */
    sinks: 'address',
    gate: gateKinds,
    /** Of `cacheRecord`, one for each key/value head of this thread in this layer. */
    records: 'address',
    pageSize: 'u32',
    /** Room for prepared queries [T, H, C], a prepared key and value, an `attentionTile`, the kernel's scratch. */
    queries: 'address',
    key: 'address',
    tile: 'address',
    scratch: 'address',
    /** Float32 [T, H, CV] */
    out: 'address',
    segments: list({ start: 'u32', tokens: 'u32', pages: 'u32' }),
    /** Of all segments, one after the other. */
    pages: list('u32'),
  },

  latentAttention: {
    /** Float32 [T, H (N + P)], and [T, R + P] */
    queries: 'address',
    latents: 'address',
    /** Of a matrix [H (N + V), R]: each thread has the rows of its heads. */
    expansion: 'address',
    /** H, N, P, R, V */
    heads: 'u32',
    nopeDim: 'u32',
    ropeDim: 'u32',
    latentDim: 'u32',
    valueDim: 'u32',
    scale: 'f32',
    queryFactor,
    /** Float32 [T, pairs] */
    cos: 'address',
    sin: 'address',
    /** 0: no rotation. */
    pairs: 'u32',
    interleaved: 'flag',
    /** Of the latents' norm. */
    normWeight: 'address',
    epsilon: 'f32',
    /** Pages of this layer: page p is the one of index floor(p / threads) of thread p mod threads. */
    cache: 'address',
    pageSize: 'u32',
    pageBytes: 'u32',
    /** Room for a `rowsRecord`, addresses of pages, an `attentionTile`, pages of other threads, and what latent-plan.ts says. */
    record: 'address',
    addresses: 'address',
    tile: 'address',
    staging: 'address',
    work: 'address',
    /** Float32 [T, H, V] */
    out: 'address',
    segments: list({ start: 'u32', tokens: 'u32', pages: 'u32' }),
    /** Of all segments, one after the other. */
    pages: list('u32'),
  },

  /** Each thread its share of the C channels. */
  convolution: {
    x: 'address',
    /** Columns of x: C or more, or 3 C where it has gates. */
    columns: 'u32',
    /** C, k */
    channels: 'u32',
    taps: 'u32',
    gated: 'flag',
    /** Float32 [C, k] */
    weight: 'address',
    /** Float32 [C]; 0: none. */
    bias: 'address',
    silu: 'flag',
    /** Of this layer: slots `stateStride` bytes apart, Float32 [k - 1, own channels] each. */
    states: 'address',
    stateStride: 'u32',
    /** Room for the inputs of a segment and those before it. */
    window: 'address',
    /** Float32 [T, C] */
    out: 'address',
    /** Columns of x that the channels are: in each part those of all groups. */
    groups: 'u32',
    parts: list({ at: 'u32', stride: 'u32', width: 'u32' }),
    /** `from` is a slot plus 1; 0: zeros. */
    segments: list({ tokens: 'u32', from: 'u32', to: 'u32' }),
  },

  /** Each thread its share of the H heads. */
  deltaRule: {
    /** Float32 [T, 2 HK C + H CV] */
    qkv: 'address',
    beta: ofHeads,
    decay: ofHeads,
    gate: ofHeads,
    silu: 'flag',
    /** H, HK, C, CV */
    heads: 'u32',
    keyHeads: 'u32',
    keyDim: 'u32',
    valueDim: 'u32',
    /** Decays of a head: 1 or C. */
    decays: 'u32',
    /** Float32: A [H], biases [H, decays], the norm's weights [CV]. */
    weights: 'address',
    epsilon: 'f32',
    /** Of this layer: slots `stateStride` bytes apart, Float32 [own heads, C, CV] each. */
    states: 'address',
    stateStride: 'u32',
    /** Room for a query, a key and decays, Float32 [3, C]. */
    room: 'address',
    /** Float32 [T, H, CV] */
    out: 'address',
    /** `from` is a slot plus 1; 0: zeros. */
    segments: list({ tokens: 'u32', from: 'u32', to: 'u32' }),
  },

  /** Each thread its share of the H heads. */
  selectiveScan: {
    x: columns,
    /** B [G, N], then C. */
    bc: columns,
    timeStep: columns,
    gate: columns,
    /** H, P, N, G */
    heads: 'u32',
    headDim: 'u32',
    stateDim: 'u32',
    groups: 'u32',
    leastTimeStep: 'f32',
    largestTimeStep: 'f32',
    /** Float32: A [H], or [H, N] where it is `perState`; biases [H]; D [H] */
    parameters: 'address',
    perState: 'flag',
    /** Of this layer: slots `stateStride` bytes apart, Float32 [own heads, P, N] each. */
    states: 'address',
    stateStride: 'u32',
    /** Room for the time steps of a segment, and for decays [2, N]. */
    steps: 'address',
    room: 'address',
    /** Float32 [T, H P] */
    out: 'address',
    /** `from` is a slot plus 1; 0: zeros. */
    segments: list({ tokens: 'u32', from: 'u32', to: 'u32' }),
  },
} as const satisfies Readonly<Record<string, Fields>>;
