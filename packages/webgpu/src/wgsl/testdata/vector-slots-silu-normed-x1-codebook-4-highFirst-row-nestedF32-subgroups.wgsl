enable subgroups;
diagnostic(off, subgroup_uniformity);
struct Matrix {
  rows: u32, firstRow: u32, firstTile: u32, base: u32,
  stride: u32, scales: u32, scalesNested: u32, scalesOffset: u32,
  shifts: u32, shiftsNested: u32, shiftsOffset: u32, unused: u32,
}
struct Params {
  columns: u32,
  chunks: u32,
  blockSize: u32,
  blocksPerRow: u32,
  chunksPerBlock: u32,
  table: u32,
  scaleTable: u32,
  shiftTable: u32,
  scaleNested: u32,
  shiftNested: u32,
  scaleFactor: f32,
  shiftFactor: f32,
  parts: u32,
  firstExpert: u32,
  experts: u32,
  expertMap: u32,
  outColumns: u32,
  extraMode: u32,
  residuals: u32,
  scale1: f32,
  scale2: f32,
  lanes: u32,
  tokens: u32,
  expertsPerToken: u32,
  routingWeights: u32,
  upMatrix: u32,
  upRow: u32,
  epsilon: f32,
  sharedRows: u32,
  accumulate: u32,
  accumulateScale: f32,
  padding0: u32,
  matrices: array<Matrix, 4>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read> norm: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> routing: array<u32>;
var<workgroup> table: array<f32, 16>;
fn byteAt(i: u32) -> u32 { return (words[i >> 2u] >> (8u * (i & 3u))) & 255u; }
fn halfAt(i: u32) -> f32 { return unpack2x16float(words[i >> 1u])[i & 1u]; }
fn brainAt(i: u32) -> f32 { return bitcast<f32>((words[i >> 1u] << (16u * (1u - (i & 1u)))) & 0xffff0000u); }
fn placeOf(expert: u32) -> u32 {
  if (p.expertMap != 0u) { return words[p.expertMap + expert]; }
  return select(0xffffffffu, expert - p.firstExpert, expert - p.firstExpert < p.experts);
}
fn recordOf(m: u32, place: u32) -> u32 { return p.matrices[m].base + place * p.matrices[m].stride; }
fn numbers(q: vec4<u32>) -> vec4<f32> { return vec4<f32>(table[q.x], table[q.y], table[q.z], table[q.w]); }
fn number(q: u32) -> f32 { return table[q]; }
fn low(w: u32) -> vec4<f32> { return numbers((vec4<u32>(w) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(15u)); }
fn high(w: u32) -> vec4<f32> { return numbers((vec4<u32>(w) >> vec4<u32>(4u, 12u, 20u, 28u)) & vec4<u32>(15u)); }
fn scaleOf(m: u32, record: u32, block: u32) -> f32 {
  let code = byteAt((record + p.matrices[m].scales) * 16u + block);
  let factor = bitcast<f32>(words[(record + p.matrices[m].scalesNested) * 4u + block / p.scaleNested]);
  return bitcast<f32>(words[p.scaleTable + code]) * factor + bitcast<f32>(words[(record + p.matrices[m].scalesOffset) * 4u + 0u]);
}
fn value(m: u32, record: u32, row: u32, k: u32) -> f32 {
  let i = row * p.columns + k;
  let block = row * p.blocksPerRow + k / p.blockSize;
  return (number((byteAt(record * 16u + (i >> 1u)) >> (4u * (1u - (i & 1u)))) & 15u)) * scaleOf(m, record, block);
}
var<workgroup> partial: array<f32, 80>;
var<private> perGroup: u32;
fn total(group: u32, n: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < perGroup; i += 1u) { sum += partial[n * 16u + group * perGroup + i]; }
  return sum;
}
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }
fn activate(x: f32) -> f32 {
  return x * sigmoid(x);
}
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) subgroupSize: u32,
) {
  let lane = local % p.lanes;
  let group = local / p.lanes;
  let perWorkgroup = 128u / p.lanes;
  let firstToken = workgroup.y;
  let place = placeOf(routing[firstToken]);
  if (place == 0xffffffffu) { return; }
  var m = 0u;
  while (m + 1u < p.parts && workgroup.x >= p.matrices[m + 1u].firstTile) { m += 1u; }
  let rows = p.matrices[m].rows;
  let tileRow = (workgroup.x - p.matrices[m].firstTile) * perWorkgroup;
  let firstRow = tileRow + group * 2u;
  let record = recordOf(m, place);
  let upRecord = recordOf(p.upMatrix, place);
  for (var i = local; i < 16u; i += 64u) { table[i] = bitcast<f32>(words[p.table + i]); }
  workgroupBarrier();
  var sum00_0 = 0.0;
  var sum01_0 = 0.0;
  var sum10_0 = 0.0;
  var sum11_0 = 0.0;
  var squares0 = 0.0;
  let row00 = min(firstRow + 0u, rows - 1u);
  let row01 = min(firstRow + 1u, rows - 1u);
  let row10 = min(firstRow + 0u, rows - 1u) + p.upRow;
  let row11 = min(firstRow + 1u, rows - 1u) + p.upRow;
  for (var c = lane; c < p.chunks; c += p.lanes) {
    let chunk00 = chunks[record + row00 * p.chunks + c];
    let block00 = row00 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale00 = scaleOf(m, record, block00);
    var part00_0 = 0.0;
    let chunk01 = chunks[record + row01 * p.chunks + c];
    let block01 = row01 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale01 = scaleOf(m, record, block01);
    var part01_0 = 0.0;
    let chunk10 = chunks[upRecord + row10 * p.chunks + c];
    let block10 = row10 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale10 = scaleOf(p.upMatrix, upRecord, block10);
    var part10_0 = 0.0;
    let chunk11 = chunks[upRecord + row11 * p.chunks + c];
    let block11 = row11 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale11 = scaleOf(p.upMatrix, upRecord, block11);
    var part11_0 = 0.0;
    for (var w = 0u; w < 4u; w += 1u) {
      var x0_0 = x[(select(firstToken, firstToken / p.expertsPerToken, p.sharedRows == 1u)) * p.columns / 4u + c * 8u + 2u * w];
      squares0 += dot(x0_0, x0_0);
      x0_0 *= norm[c * 8u + 2u * w];
      var x0_1 = x[(select(firstToken, firstToken / p.expertsPerToken, p.sharedRows == 1u)) * p.columns / 4u + c * 8u + 2u * w + 1u];
      squares0 += dot(x0_1, x0_1);
      x0_1 *= norm[c * 8u + 2u * w + 1u];
      let w00Low = low(chunk00[w]);
      let w00High = high(chunk00[w]);
      let v00_0 = vec4<f32>(w00High.x, w00Low.x, w00High.y, w00Low.y);
      part00_0 += dot(v00_0, x0_0);
      let v00_1 = vec4<f32>(w00High.z, w00Low.z, w00High.w, w00Low.w);
      part00_0 += dot(v00_1, x0_1);
      let w01Low = low(chunk01[w]);
      let w01High = high(chunk01[w]);
      let v01_0 = vec4<f32>(w01High.x, w01Low.x, w01High.y, w01Low.y);
      part01_0 += dot(v01_0, x0_0);
      let v01_1 = vec4<f32>(w01High.z, w01Low.z, w01High.w, w01Low.w);
      part01_0 += dot(v01_1, x0_1);
      let w10Low = low(chunk10[w]);
      let w10High = high(chunk10[w]);
      let v10_0 = vec4<f32>(w10High.x, w10Low.x, w10High.y, w10Low.y);
      part10_0 += dot(v10_0, x0_0);
      let v10_1 = vec4<f32>(w10High.z, w10Low.z, w10High.w, w10Low.w);
      part10_0 += dot(v10_1, x0_1);
      let w11Low = low(chunk11[w]);
      let w11High = high(chunk11[w]);
      let v11_0 = vec4<f32>(w11High.x, w11Low.x, w11High.y, w11Low.y);
      part11_0 += dot(v11_0, x0_0);
      let v11_1 = vec4<f32>(w11High.z, w11Low.z, w11High.w, w11Low.w);
      part11_0 += dot(v11_1, x0_1);
    }
    sum00_0 += scale00 * part00_0;
    sum01_0 += scale01 * part01_0;
    sum10_0 += scale10 * part10_0;
    sum11_0 += scale11 * part11_0;
  }
  let width = min(p.lanes, subgroupSize);
  perGroup = p.lanes / width;
  if (1u < width) {
    sum00_0 += subgroupShuffleXor(sum00_0, 1u);
    sum01_0 += subgroupShuffleXor(sum01_0, 1u);
    sum10_0 += subgroupShuffleXor(sum10_0, 1u);
    sum11_0 += subgroupShuffleXor(sum11_0, 1u);
    squares0 += subgroupShuffleXor(squares0, 1u);
  }
  if (2u < width) {
    sum00_0 += subgroupShuffleXor(sum00_0, 2u);
    sum01_0 += subgroupShuffleXor(sum01_0, 2u);
    sum10_0 += subgroupShuffleXor(sum10_0, 2u);
    sum11_0 += subgroupShuffleXor(sum11_0, 2u);
    squares0 += subgroupShuffleXor(squares0, 2u);
  }
  if (4u < width) {
    sum00_0 += subgroupShuffleXor(sum00_0, 4u);
    sum01_0 += subgroupShuffleXor(sum01_0, 4u);
    sum10_0 += subgroupShuffleXor(sum10_0, 4u);
    sum11_0 += subgroupShuffleXor(sum11_0, 4u);
    squares0 += subgroupShuffleXor(squares0, 4u);
  }
  if (8u < width) {
    sum00_0 += subgroupShuffleXor(sum00_0, 8u);
    sum01_0 += subgroupShuffleXor(sum01_0, 8u);
    sum10_0 += subgroupShuffleXor(sum10_0, 8u);
    sum11_0 += subgroupShuffleXor(sum11_0, 8u);
    squares0 += subgroupShuffleXor(squares0, 8u);
  }
  if (16u < width) {
    sum00_0 += subgroupShuffleXor(sum00_0, 16u);
    sum01_0 += subgroupShuffleXor(sum01_0, 16u);
    sum10_0 += subgroupShuffleXor(sum10_0, 16u);
    sum11_0 += subgroupShuffleXor(sum11_0, 16u);
    squares0 += subgroupShuffleXor(squares0, 16u);
  }
  if (lane % width == 0u) {
    partial[0u + local / width] = sum00_0;
    partial[16u + local / width] = sum01_0;
    partial[32u + local / width] = sum10_0;
    partial[48u + local / width] = sum11_0;
    partial[64u + local / width] = squares0;
  }
  workgroupBarrier();
  for (var i = local; i < perWorkgroup * 1u; i += 64u) {
    let g = i / 2u;
    let n = i % 2u;
    let row = tileRow + g * 2u + n / 1u;
    let token = firstToken + n % 1u;
    if (row < rows && token < p.tokens * p.expertsPerToken) {
      let root = inverseSqrt(total(g, 4u + n % 1u) / f32(p.columns) + p.epsilon);
      out[token * p.outColumns + row] = activate(total(g, n) * root) * (total(g, 2u + n) * root);
    }
  }
}
