// Causal convolution of channels over the tokens of a sequence, float32, four channels at a time. A sum goes over the taps in
// order, so it is the same bits whatever the chunks.
//
// Shapes: T tokens, N channels of this thread, k taps.

/**
 * out[t, c] = sum of weight[c, i] * window[t + i, c]; with gates outputs are C * sum.
 * @param x of the first channel: Float32 rows `xStride` bytes apart
 * @param part bytes from gate B to gate C, and from there to x; 0: no gates
 * @param weight Float32 [N, k]
 * @param window Float32 [k - 1 + T, N]
 * @param out Float32 rows `outStride` bytes apart
 */
export function convolve(x: usize, xStride: usize, part: usize, weight: usize, taps: u32, window: usize, tokens: u32, channels: u32, out: usize, outStride: usize): void {
  const row: usize = <usize>channels << 2;
  const whole = channels & ~3;
  for (let c: u32 = 0; c < channels; c++) {
    const at: usize = <usize>c << 2;
    const own = weight + at * taps;
    if (c < whole) {
      convolveFour(own, taps, window + at, row, tokens, out + at, outStride);
      if (part != 0) gateFour(x + part + at, xStride, tokens, out + at, outStride);
      c += 3;
      continue;
    }
    for (let t: u32 = 0; t < tokens; t++) {
      let sum: f32 = 0;
      for (let i: u32 = 0; i < taps; i++) sum += load<f32>(own + (i << 2)) * load<f32>(window + at + row * (t + i));
      if (part != 0) sum *= load<f32>(x + part + at + xStride * t);
      store<f32>(out + at + outStride * t, sum);
    }
  }
}

/**
 * window[t, c] = x[t, c] for `channels` of its columns, with gates B * x.
 * @param window of the first of them: Float32 rows `windowStride` bytes apart
 */
export function fillWindow(x: usize, xStride: usize, part: usize, window: usize, windowStride: usize, tokens: u32, channels: u32): void {
  const whole = channels & ~3;
  for (let t: u32 = 0; t < tokens; t++, x += xStride, window += windowStride) {
    for (let c: u32 = 0; c < whole; c += 4) {
      const at = x + (c << 2);
      const input = v128.load(at + 2 * part);
      v128.store(window + (c << 2), part == 0 ? input : f32x4.mul(v128.load(at), input));
    }
    for (let c = whole; c < channels; c++) {
      const at = x + (c << 2);
      const input = load<f32>(at + 2 * part);
      store<f32>(window + (c << 2), part == 0 ? input : load<f32>(at) * input);
    }
  }
}

function convolveFour(weight: usize, taps: u32, window: usize, row: usize, tokens: u32, out: usize, outStride: usize): void {
  const next: usize = taps << 2;
  for (let i: u32 = 0; i < taps; i++, weight += 4, window += row) {
    let factors = f32x4.splat(load<f32>(weight));
    factors = f32x4.replace_lane(factors, 1, load<f32>(weight + next));
    factors = f32x4.replace_lane(factors, 2, load<f32>(weight + 2 * next));
    factors = f32x4.replace_lane(factors, 3, load<f32>(weight + 3 * next));
    for (let t: u32 = 0; t < tokens; t++) {
      const place = out + outStride * t;
      const sum = i == 0 ? f32x4.splat(0) : v128.load(place);
      v128.store(place, f32x4.add(sum, f32x4.mul(factors, v128.load(window + row * t))));
    }
  }
}

function gateFour(gate: usize, gateStride: usize, tokens: u32, out: usize, outStride: usize): void {
  for (let t: u32 = 0; t < tokens; t++, gate += gateStride, out += outStride) {
    v128.store(out, f32x4.mul(v128.load(out), v128.load(gate)));
  }
}
