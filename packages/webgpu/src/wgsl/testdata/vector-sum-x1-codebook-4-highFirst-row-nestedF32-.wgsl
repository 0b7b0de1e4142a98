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
@group(0) @binding(5) var<storage, read> routing: array<u32>;
@group(0) @binding(6) var<storage, read> residual1: array<f32>;
@group(0) @binding(7) var<storage, read> residual2: array<f32>;
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
var<workgroup> partial: array<f32, 256>;
var<private> perGroup: u32;
fn total(group: u32, n: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < perGroup; i += 1u) { sum += partial[n * 64u + group * perGroup + i]; }
  return sum;
}
fn withResiduals(at: u32, sum: f32) -> f32 {
  var v = sum;
  if (p.residuals > 0u) { v = residual1[at] + p.scale1 * v; }
  if (p.residuals > 1u) { v = residual2[at] + p.scale2 * v; }
  return v;
}
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % p.lanes;
  let group = local / p.lanes;
  let perWorkgroup = 256u / p.lanes;
  let firstToken = workgroup.y * 1u;
  var m = 0u;
  while (m + 1u < p.parts && workgroup.x >= p.matrices[m + 1u].firstTile) { m += 1u; }
  let rows = p.matrices[m].rows;
  let tileRow = (workgroup.x - p.matrices[m].firstTile) * perWorkgroup;
  let firstRow = tileRow + group * 4u;
  for (var i = local; i < 16u; i += 64u) { table[i] = bitcast<f32>(words[p.table + i]); }
  workgroupBarrier();
  var sum00_0 = 0.0;
  var sum01_0 = 0.0;
  var sum02_0 = 0.0;
  var sum03_0 = 0.0;
  let row00 = min(firstRow + 0u, rows - 1u);
  let row01 = min(firstRow + 1u, rows - 1u);
  let row02 = min(firstRow + 2u, rows - 1u);
  let row03 = min(firstRow + 3u, rows - 1u);
  for (var v = lane; v < p.chunks * p.expertsPerToken; v += p.lanes) {
    let slot = firstToken * p.expertsPerToken + v / p.chunks;
    let c = v % p.chunks;
    let place = placeOf(routing[slot]);
    let weight = select(bitcast<f32>(routing[p.routingWeights + slot]), 0.0, place == 0xffffffffu);
    let record = recordOf(m, select(place, 0u, place == 0xffffffffu));
    let chunk00 = chunks[record + row00 * p.chunks + c];
    let block00 = row00 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale00 = scaleOf(m, record, block00);
    var part00_0 = 0.0;
    let chunk01 = chunks[record + row01 * p.chunks + c];
    let block01 = row01 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale01 = scaleOf(m, record, block01);
    var part01_0 = 0.0;
    let chunk02 = chunks[record + row02 * p.chunks + c];
    let block02 = row02 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale02 = scaleOf(m, record, block02);
    var part02_0 = 0.0;
    let chunk03 = chunks[record + row03 * p.chunks + c];
    let block03 = row03 * p.blocksPerRow + c / p.chunksPerBlock;
    let scale03 = scaleOf(m, record, block03);
    var part03_0 = 0.0;
    for (var w = 0u; w < 4u; w += 1u) {
      let x0_0 = x[(firstToken * p.expertsPerToken) * p.columns / 4u + v * 8u + 2u * w];
      let x0_1 = x[(firstToken * p.expertsPerToken) * p.columns / 4u + v * 8u + 2u * w + 1u];
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
      let w02Low = low(chunk02[w]);
      let w02High = high(chunk02[w]);
      let v02_0 = vec4<f32>(w02High.x, w02Low.x, w02High.y, w02Low.y);
      part02_0 += dot(v02_0, x0_0);
      let v02_1 = vec4<f32>(w02High.z, w02Low.z, w02High.w, w02Low.w);
      part02_0 += dot(v02_1, x0_1);
      let w03Low = low(chunk03[w]);
      let w03High = high(chunk03[w]);
      let v03_0 = vec4<f32>(w03High.x, w03Low.x, w03High.y, w03Low.y);
      part03_0 += dot(v03_0, x0_0);
      let v03_1 = vec4<f32>(w03High.z, w03Low.z, w03High.w, w03Low.w);
      part03_0 += dot(v03_1, x0_1);
    }
    sum00_0 += weight * scale00 * part00_0;
    sum01_0 += weight * scale01 * part01_0;
    sum02_0 += weight * scale02 * part02_0;
    sum03_0 += weight * scale03 * part03_0;
  }
  let width = 1u;
  perGroup = p.lanes / width;
  if (lane % width == 0u) {
    partial[0u + local / width] = sum00_0;
    partial[64u + local / width] = sum01_0;
    partial[128u + local / width] = sum02_0;
    partial[192u + local / width] = sum03_0;
  }
  workgroupBarrier();
  for (var i = local; i < perWorkgroup * 1u; i += 64u) {
    let g = i / 4u;
    let n = i % 4u;
    let row = tileRow + g * 4u + n / 1u;
    let token = firstToken + n % 1u;
    if (row < rows && token < p.tokens) {
      let at = token * p.outColumns + p.matrices[m].firstRow + row;
      if (p.accumulate == 1u) { out[at] += p.accumulateScale * total(g, n); }
      else { out[at] = withResiduals(at, total(g, n)); }
    }
  }
}
