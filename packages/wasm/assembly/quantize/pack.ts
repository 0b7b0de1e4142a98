// Codes of 4 bits, a byte each, to two in a byte, the even element in the low nibble.

/** @param codes Uint8 [count], an odd end filled with 0 here; room for 31 more; @param out Uint8 [ceil(count / 2)], room for 15 */
export function packPairs(codes: usize, count: u32, out: usize): void {
  const end = codes + count;
  store<u8>(end, 0);
  const low = i16x8.splat(0xff);
  for (; codes < end; codes += 32, out += 16) {
    const a = v128.load(codes);
    const b = v128.load(codes, 16);
    v128.store(
      out,
      i8x16.narrow_i16x8_u(
        v128.and(v128.or(a, i16x8.shr_u(a, 4)), low),
        v128.and(v128.or(b, i16x8.shr_u(b, 4)), low),
      ),
    );
  }
}
