// The signed dynamic map of bitsandbytes: 256 values in [-1, 1] whose exponent takes as many bits as it needs, for
// numbers over several decades such as the scales of blocks. 8-bit optimizers, arXiv:2110.02861, section 1.3; reference
// implementation bitsandbytes functional.py, create_dynamic_map(signed=True, max_exponent_bits=7, total_bits=8).

const f = Math.fround;

/** torch.linspace(0.1, 1, n + 1) in float32, with the fused multiply-add that torch's kernels compile to. */
function linspace(n: number): number[] {
  const step = f(f(1 - f(0.1)) / n);
  return Array.from({ length: n + 1 }, (_, i) =>
    i < Math.floor((n + 1) / 2) ? f(step * i + f(0.1)) : f(1 - step * (n - i)),
  );
}

/** Ascending; decade i of -6 to 0 holds 2^(i + 6) means of neighbours, both signs; then 0 and 1, but no -1. */
function dynamicMap(): Float32Array {
  const values = [0, 1];
  for (let i = 0; i < 7; i++) {
    const bounds = linspace(2 ** i);
    for (let j = 0; j + 1 < bounds.length; j++) {
      const mean = f(f((bounds[j] as number) + (bounds[j + 1] as number)) / 2);
      const value = f(f(10 ** (i - 6)) * mean);
      values.push(value, -value);
    }
  }
  return Float32Array.from(values).sort();
}

/** Float32 [256]; code 127 is 0. */
export const dynamicMapValues = dynamicMap();
