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
  tokens: u32,
  slotsPerRow: u32,
  upMatrix: u32,
  upRow: u32,
  padding0: u32,
  padding1: u32,
  padding2: u32,
  matrices: array<Matrix, 4>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read> plan: array<u32>;
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
var<workgroup> wTile: array<vec4<f32>, 576>;
var<workgroup> xTile: array<vec4<f32>, 288>;
var<workgroup> targets: array<u32, 32>;
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }
fn activate(x: f32) -> f32 {
  return x * sigmoid(x);
}
@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tx = local % 16u;
  let ty = local / 16u;
  let count = plan[workgroup.y * 4u + 2u];
  if (count == 0u) { return; }
  let place = placeOf(plan[workgroup.y * 4u]);
  if (place == 0xffffffffu) { return; }
  let firstSlot = plan[workgroup.y * 4u + 1u];
  if (local < count) { targets[local] = plan[firstSlot + local]; }
  workgroupBarrier();
  var m = 0u;
  while (m + 1u < p.parts && workgroup.x >= p.matrices[m + 1u].firstTile) { m += 1u; }
  let rows = p.matrices[m].rows;
  let firstRow = (workgroup.x - p.matrices[m].firstTile) * 32u;
  for (var i = local; i < 16u; i += 128u) { table[i] = bitcast<f32>(words[p.table + i]); }
  workgroupBarrier();
  let staged = local % 64u;
  let half = local / 64u;
  let isUp = staged >= 32u;
  let sm = select(m, p.upMatrix, isUp);
  let sRow = min(firstRow + staged % 32u, rows - 1u) + select(0u, p.upRow, isUp);
  let record = recordOf(sm, place);
  var sum0 = vec4<f32>();
  var sum1 = vec4<f32>();
  var sum2 = vec4<f32>();
  var sum3 = vec4<f32>();
  for (var k0 = 0u; k0 < p.columns; k0 += 32u) {
    let c = k0 / 32u;
    let chunk = chunks[record + sRow * p.chunks + c];
    let mine = select(chunk, chunk.zwzw, half == 1u);
    let block = sRow * p.blocksPerRow + c / p.chunksPerBlock;
    let scale = scaleOf(sm, record, block);
    for (var w = 0u; w < 2u; w += 1u) {
      let wLow = low(mine[w]);
      let wHigh = high(mine[w]);
      wTile[staged * 9u + 2u * w + half * 4u] = vec4<f32>(wHigh.x, wLow.x, wHigh.y, wLow.y) * scale;
      wTile[staged * 9u + 2u * w + 1u + half * 4u] = vec4<f32>(wHigh.z, wLow.z, wHigh.w, wLow.w) * scale;
    }
    for (var i = local; i < 256u; i += 128u) {
      let token = i / 8u;
      let v = i % 8u;
      var four = vec4<f32>();
      if (token < count) {
        let row = targets[token] / p.slotsPerRow;
        four = x[(row * p.columns + k0) / 4u + v];
      }
      xTile[token * 9u + v] = four;
    }
    workgroupBarrier();
    for (var k = 0u; k < 8u; k += 1u) {
      let x0 = xTile[(4u * ty + 0u) * 9u + k];
      let x1 = xTile[(4u * ty + 1u) * 9u + k];
      let x2 = xTile[(4u * ty + 2u) * 9u + k];
      let x3 = xTile[(4u * ty + 3u) * 9u + k];
      let w0 = wTile[(tx + 0u) * 9u + k];
      sum0 += vec4<f32>(dot(w0, x0), dot(w0, x1), dot(w0, x2), dot(w0, x3));
      let w1 = wTile[(tx + 16u) * 9u + k];
      sum1 += vec4<f32>(dot(w1, x0), dot(w1, x1), dot(w1, x2), dot(w1, x3));
      let w2 = wTile[(tx + 32u) * 9u + k];
      sum2 += vec4<f32>(dot(w2, x0), dot(w2, x1), dot(w2, x2), dot(w2, x3));
      let w3 = wTile[(tx + 48u) * 9u + k];
      sum3 += vec4<f32>(dot(w3, x0), dot(w3, x1), dot(w3, x2), dot(w3, x3));
    }
    workgroupBarrier();
  }
  wTile[(tx + 0u) * 9u + ty] = sum0;
  wTile[(tx + 16u) * 9u + ty] = sum1;
  wTile[(tx + 32u) * 9u + ty] = sum2;
  wTile[(tx + 48u) * 9u + ty] = sum3;
  workgroupBarrier();
  for (var i = local; i < 1024u; i += 128u) {
    let t = i / 32u;
    let r = i % 32u;
    if (t < count && firstRow + r < rows) {
      let row = targets[t];
      out[row * p.outColumns + p.matrices[m].firstRow + firstRow + r] = activate(wTile[(r) * 9u + t / 4u][t % 4u]) * wTile[(r + 32u) * 9u + t / 4u][t % 4u];
    }
  }
}
