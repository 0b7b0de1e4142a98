// What the compiled kernels export; assembly/ documents each. Addresses are unsigned 32-bit numbers.

type Address = number;

type NibbleKernel = `${'Affine' | 'Codebook'}4x${32 | 64}`;
type IntegerKernel = `${'Signed' | 'Unsigned'}8x${32 | 64}`;

export type OneStream = [x: Address];
export type ThreePlanes = [x: Address, scales: Address, sums: Address];

/** One token against rows `from` to `to` of a share of a matrix of codes. */
export type VectorKernel<X extends Address[]> = (
  matrix: Address,
  ...rest: [...X, list: Address, from: number, to: number, out: Address]
) => void;

/** Several tokens. */
export type TileKernel<X extends Address[]> = (
  matrix: Address,
  ...rest: [...X, list: Address, tokens: number, from: number, to: number, out: Address, outStride: number]
) => void;

export interface KernelExports
  extends Readonly<Record<`vector${NibbleKernel}`, VectorKernel<OneStream>>>,
    Readonly<Record<`tile${NibbleKernel}`, TileKernel<OneStream>>>,
    Readonly<Record<`vector${IntegerKernel}`, VectorKernel<ThreePlanes>>>,
    Readonly<Record<`tile${IntegerKernel}`, TileKernel<ThreePlanes>>> {
  add(a: Address, b: Address, scale: number, out: Address, length: number): void;
  multiply(x: Address, scale: number, length: number): void;
  multiplySigmoid(x: Address, gate: number, length: number): void;
  gateHead(x: Address, gates: Address, count: number, kind: number, length: number): void;
  clamp(x: Address, limit: number, length: number): void;
  /** x = cap * tanh(x / cap) */
  softCap(x: Address, cap: number, length: number): void;
  centre(x: Address, rows: number, columns: number, out: Address): void;
  rmsNorm(
    x: Address,
    weight: Address,
    epsilon: number,
    rows: number,
    columns: number,
    xStride: number,
    out: Address,
    outStride: number,
  ): void;
  activate(
    x: Address,
    kind: number,
    alpha: number,
    inputLimit: number,
    outputLimit: number,
    length: number,
  ): void;
  activateGated(
    gate: Address,
    up: Address,
    kind: number,
    alpha: number,
    inputLimit: number,
    outputLimit: number,
    upLimit: number,
    upOffset: number,
    length: number,
  ): void;
  rotate(
    x: Address,
    heads: number,
    headDim: number,
    cos: Address,
    sin: Address,
    pairs: number,
    interleaved: boolean,
  ): void;
  storeKeyValue(cache: Address, page: number, slot: number, key: Address, value: Address): void;
  attendFour(
    cache: Address,
    pages: Address,
    tile: Address,
    count: number,
    scale: number,
    scratch: Address,
  ): void;
  attendRows(rows: Address, tile: Address, count: number, scale: number, scratch: Address): void;
  multiplyAcross(
    matrix: Address,
    from: number,
    count: number,
    x: Address,
    xStride: number,
    tokens: number,
    out: Address,
    outStride: number,
  ): void;
  convolve(
    x: Address,
    xStride: number,
    part: number,
    weight: Address,
    taps: number,
    window: Address,
    tokens: number,
    channels: number,
    out: Address,
    outStride: number,
  ): void;
  timeSteps(x: Address, bias: Address, least: number, largest: number, length: number, out: Address): void;
  multiplySilu(out: Address, gate: Address, length: number): void;
  scanHead(
    x: Address,
    xStride: number,
    b: Address,
    toC: number,
    bcStride: number,
    steps: Address,
    stepStride: number,
    rates: Address,
    perState: boolean,
    skip: number,
    tokens: number,
    headDim: number,
    stateDim: number,
    room: Address,
    state: Address,
    out: Address,
    outStride: number,
  ): void;
  fillWindow(
    x: Address,
    xStride: number,
    part: number,
    window: Address,
    windowStride: number,
    tokens: number,
    channels: number,
  ): void;
  unitHead(x: Address, scale: number, length: number, out: Address): void;
  decayFactors(x: Address, bias: Address, rate: number, length: number, out: Address): void;
  deltaStep(
    source: Address,
    target: Address,
    query: Address,
    key: Address,
    value: Address,
    factors: Address,
    factorStride: number,
    strength: number,
    keyDim: number,
    valueDim: number,
    out: Address,
  ): void;
  gateNormed(x: Address, gates: Address, silu: boolean, length: number): void;
  decodeRow(matrix: Address, row: number, out: Address): void;
  floatLinear(
    matrix: Address,
    x: Address,
    list: Address,
    tokens: number,
    from: number,
    to: number,
    out: Address,
    outStride: number,
  ): void;
  useScratch(address: Address, columns: number): void;
  quantizeBytes(x: Address, tokens: number, columns: number, unit: number, order: number, out: Address): void;
  quantizePairs(x: Address, tokens: number, columns: number, unit: number, order: number, out: Address): void;
  quantizePlain(
    x: Address,
    tokens: number,
    columns: number,
    unit: number,
    out: Address,
    scales: Address,
    sums: Address,
  ): void;
}
