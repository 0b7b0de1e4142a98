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
  routingWeights: u32,
  normalizeEpsilon: f32,
  scalingFactor: f32,
  lanes: u32,
  tokens: u32,
  epsilon: f32,
  padding0: u32,
  padding1: u32,
  matrices: array<Matrix, 4>,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> chunks: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> routing: array<u32>;
@group(0) @binding(7) var<storage, read_write> status: array<atomic<u32>>;
fn byteAt(i: u32) -> u32 { return (words[i >> 2u] >> (8u * (i & 3u))) & 255u; }
fn halfAt(i: u32) -> f32 { return unpack2x16float(words[i >> 1u])[i & 1u]; }
fn brainAt(i: u32) -> f32 { return bitcast<f32>((words[i >> 1u] << (16u * (1u - (i & 1u)))) & 0xffff0000u); }
fn placeOf(expert: u32) -> u32 {
  if (p.expertMap != 0u) { return words[p.expertMap + expert]; }
  return select(0xffffffffu, expert - p.firstExpert, expert - p.firstExpert < p.experts);
}
fn recordOf(m: u32, place: u32) -> u32 { return p.matrices[m].base + place * p.matrices[m].stride; }
fn value(m: u32, record: u32, row: u32, k: u32) -> f32 { return brainAt((record) * 8u + row * p.columns + k); }
var<workgroup> partial: array<f32, 320>;
var<private> perGroup: u32;
fn total(group: u32, n: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < perGroup; i += 1u) { sum += partial[n * 64u + group * perGroup + i]; }
  return sum;
}
var<workgroup> exponents: array<f32, 8>;
var<workgroup> scores: array<f32, 8>;
var<workgroup> choices: array<f32, 8>;
var<workgroup> best: array<u32, 2>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_size) subgroupSize: u32,
) {
  let token = workgroup.x;
  let firstToken = workgroup.x;
  let lane = local % p.lanes;
  let group = local / p.lanes;
  let perRound = 1024u / p.lanes;
  let m = 0u;
  let rows = p.matrices[0].rows;
  let record = recordOf(0u, 0u);
  for (var firstOfRound = 0u; firstOfRound < rows; firstOfRound += perRound) {
    let firstRow = firstOfRound + group * 4u;
    var sum00_0 = 0.0;
    var sum01_0 = 0.0;
    var sum02_0 = 0.0;
    var sum03_0 = 0.0;
    var squares0 = 0.0;
    let row00 = min(firstRow + 0u, rows - 1u);
    let row01 = min(firstRow + 1u, rows - 1u);
    let row02 = min(firstRow + 2u, rows - 1u);
    let row03 = min(firstRow + 3u, rows - 1u);
    for (var c = lane; c < p.chunks; c += p.lanes) {
      let chunk00 = chunks[record + row00 * p.chunks + c];
      let chunk01 = chunks[record + row01 * p.chunks + c];
      let chunk02 = chunks[record + row02 * p.chunks + c];
      let chunk03 = chunks[record + row03 * p.chunks + c];
      var x0_0 = x[(min(firstToken + 0u, p.tokens - 1u)) * p.columns / 4u + c * 2u + 0u];
      squares0 += dot(x0_0, x0_0);
      x0_0 *= norm[c * 2u + 0u];
      var x0_1 = x[(min(firstToken + 0u, p.tokens - 1u)) * p.columns / 4u + c * 2u + 1u];
      squares0 += dot(x0_1, x0_1);
      x0_1 *= norm[c * 2u + 1u];
      let v00_0 = bitcast<vec4<f32>>(vec4<u32>(chunk00.x << 16u, chunk00.x & 0xffff0000u, chunk00.y << 16u, chunk00.y & 0xffff0000u));
      sum00_0 += dot(v00_0, x0_0);
      let v00_1 = bitcast<vec4<f32>>(vec4<u32>(chunk00.z << 16u, chunk00.z & 0xffff0000u, chunk00.w << 16u, chunk00.w & 0xffff0000u));
      sum00_0 += dot(v00_1, x0_1);
      let v01_0 = bitcast<vec4<f32>>(vec4<u32>(chunk01.x << 16u, chunk01.x & 0xffff0000u, chunk01.y << 16u, chunk01.y & 0xffff0000u));
      sum01_0 += dot(v01_0, x0_0);
      let v01_1 = bitcast<vec4<f32>>(vec4<u32>(chunk01.z << 16u, chunk01.z & 0xffff0000u, chunk01.w << 16u, chunk01.w & 0xffff0000u));
      sum01_0 += dot(v01_1, x0_1);
      let v02_0 = bitcast<vec4<f32>>(vec4<u32>(chunk02.x << 16u, chunk02.x & 0xffff0000u, chunk02.y << 16u, chunk02.y & 0xffff0000u));
      sum02_0 += dot(v02_0, x0_0);
      let v02_1 = bitcast<vec4<f32>>(vec4<u32>(chunk02.z << 16u, chunk02.z & 0xffff0000u, chunk02.w << 16u, chunk02.w & 0xffff0000u));
      sum02_0 += dot(v02_1, x0_1);
      let v03_0 = bitcast<vec4<f32>>(vec4<u32>(chunk03.x << 16u, chunk03.x & 0xffff0000u, chunk03.y << 16u, chunk03.y & 0xffff0000u));
      sum03_0 += dot(v03_0, x0_0);
      let v03_1 = bitcast<vec4<f32>>(vec4<u32>(chunk03.z << 16u, chunk03.z & 0xffff0000u, chunk03.w << 16u, chunk03.w & 0xffff0000u));
      sum03_0 += dot(v03_1, x0_1);
    }
    let width = min(p.lanes, subgroupSize);
    perGroup = p.lanes / width;
    if (1u < width) {
      sum00_0 += subgroupShuffleXor(sum00_0, 1u);
      sum01_0 += subgroupShuffleXor(sum01_0, 1u);
      sum02_0 += subgroupShuffleXor(sum02_0, 1u);
      sum03_0 += subgroupShuffleXor(sum03_0, 1u);
      squares0 += subgroupShuffleXor(squares0, 1u);
    }
    if (2u < width) {
      sum00_0 += subgroupShuffleXor(sum00_0, 2u);
      sum01_0 += subgroupShuffleXor(sum01_0, 2u);
      sum02_0 += subgroupShuffleXor(sum02_0, 2u);
      sum03_0 += subgroupShuffleXor(sum03_0, 2u);
      squares0 += subgroupShuffleXor(squares0, 2u);
    }
    if (4u < width) {
      sum00_0 += subgroupShuffleXor(sum00_0, 4u);
      sum01_0 += subgroupShuffleXor(sum01_0, 4u);
      sum02_0 += subgroupShuffleXor(sum02_0, 4u);
      sum03_0 += subgroupShuffleXor(sum03_0, 4u);
      squares0 += subgroupShuffleXor(squares0, 4u);
    }
    if (8u < width) {
      sum00_0 += subgroupShuffleXor(sum00_0, 8u);
      sum01_0 += subgroupShuffleXor(sum01_0, 8u);
      sum02_0 += subgroupShuffleXor(sum02_0, 8u);
      sum03_0 += subgroupShuffleXor(sum03_0, 8u);
      squares0 += subgroupShuffleXor(squares0, 8u);
    }
    if (16u < width) {
      sum00_0 += subgroupShuffleXor(sum00_0, 16u);
      sum01_0 += subgroupShuffleXor(sum01_0, 16u);
      sum02_0 += subgroupShuffleXor(sum02_0, 16u);
      sum03_0 += subgroupShuffleXor(sum03_0, 16u);
      squares0 += subgroupShuffleXor(squares0, 16u);
    }
    if (lane % width == 0u) {
      partial[0u + local / width] = sum00_0;
      partial[64u + local / width] = sum01_0;
      partial[128u + local / width] = sum02_0;
      partial[192u + local / width] = sum03_0;
      partial[256u + local / width] = squares0;
    }
    workgroupBarrier();
    for (var i = local; i < perRound; i += 256u) {
      let g = i / 4u;
      if (firstOfRound + i < rows) { scores[firstOfRound + i] = total(g, i % 4u) * inverseSqrt(total(g, 4u) / f32(p.columns) + p.epsilon); }
    }
    workgroupBarrier();
  }
  for (var e = local; e < 8u; e += 256u) {
    if ((bitcast<u32>(scores[e]) & 0x7f800000u) == 0x7f800000u) { atomicStore(&status[0], 1u); }
  }
  if (local < 2u) { best[local] = 0u; }
  var highest = -3.4e38;
  for (var i = 0u; i < 8u; i += 1u) { highest = max(highest, scores[i]); }
  workgroupBarrier();
  for (var e = local; e < 8u; e += 256u) {
    exponents[e] = select(0.0, max((scores[e] - highest), -103.97), (scores[e] - highest) < -86.0);
    scores[e] = exp(scores[e] - highest);
  }
  workgroupBarrier();
  var sum = 0.0;
  for (var i = 0u; i < 8u; i += 1u) { sum += scores[i]; }
  workgroupBarrier();
  for (var e = local; e < 8u; e += 256u) {
    scores[e] = scores[e] / sum;
  }
  for (var e = local; e < 8u; e += 256u) {
    choices[e] = scores[e];
  }
  workgroupBarrier();
  for (var e = local; e < 8u; e += 256u) {
    let mine = choices[e];
    var before = 0u;
    for (var i = 0u; i < 8u; i += 1u) { let other = choices[i]; before += u32(other > mine || (other == mine && (exponents[i] > exponents[e] || (exponents[i] == exponents[e] && i < e)))); }
    if (before < 2u) { best[before] = e; }
  }
  workgroupBarrier();
  if (local < 2u) {
    var total = p.normalizeEpsilon;
    for (var i = 0u; i < 2u; i += 1u) { total += scores[best[i]]; }
    let weight = select(scores[best[local]], scores[best[local]] / total, total > 0.0);
    routing[token * 2u + local] = best[local];
    routing[p.routingWeights + token * 2u + local] = bitcast<u32>(weight * p.scalingFactor);
  }
}
