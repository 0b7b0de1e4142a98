// What the compiled kernels export; assembly/ documents each. Addresses are unsigned 32-bit numbers.

type Address = number;

type IntegerKernel = `${'Affine' | 'Codebook'}4x${32 | 64}` | `${'Signed' | 'Unsigned'}8x${32 | 64}`;

/** One token against all rows of a matrix of integer codes. */
type VectorKernel = (
  matrix: Address,
  x: Address,
  scales: Address,
  sums: Address,
  list: Address,
  out: Address,
) => void;

/** Several tokens. */
type TileKernel = (
  matrix: Address,
  x: Address,
  scales: Address,
  sums: Address,
  list: Address,
  tokens: number,
  out: Address,
  outStride: number,
) => void;

export interface KernelExports
  extends Readonly<Record<`vector${IntegerKernel}`, VectorKernel>>,
    Readonly<Record<`tile${IntegerKernel}`, TileKernel>> {
  add(a: Address, b: Address, scale: number, out: Address, length: number): void;
  multiply(x: Address, scale: number, length: number): void;
  multiplySigmoid(x: Address, gate: number, length: number): void;
  clamp(x: Address, limit: number, length: number): void;
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
  activate(gate: Address, up: Address, activation: number, length: number): void;
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
    queries: Address,
    from: Address,
    to: Address,
    outs: Address,
    count: number,
    scale: number,
    scratch: Address,
  ): void;
  decodeRow(matrix: Address, row: number, out: Address): void;
  floatLinear(
    matrix: Address,
    x: Address,
    list: Address,
    tokens: number,
    out: Address,
    outStride: number,
  ): void;
  useScratch(address: Address, columns: number): void;
  quantize(
    x: Address,
    tokens: number,
    columns: number,
    unit: number,
    order: number,
    codes: Address,
    scales: Address,
    sums: Address,
  ): void;
}
