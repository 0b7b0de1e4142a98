// Floats as Python prints, rounds and reads them.

/** repr of a float: the shortest digits, an exponent below 1e-4 and from 1e16. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) return mantissa + exponentText(exponent);
  const plain = exponent < 0 ? plainFraction(mantissa, exponent) : String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}

function plainFraction(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  return `${sign}0.${'0'.repeat(-exponent - 1)}${mantissa.replace(/[-.]/g, '')}`;
}

function exponentText(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** A finite float as a fraction of integers. */
function ratio(value: number): readonly [bigint, bigint] {
  let [top, power] = [value, 0];
  while (!Number.isInteger(top)) [top, power] = [top * 2, power + 1];
  return [BigInt(top), 2n ** BigInt(power)];
}

/** The integer nearest to a fraction, the even one of two. */
function nearest(top: bigint, bottom: bigint): bigint {
  const sign = top < 0n ? -1n : 1n;
  const whole = (sign * top) / bottom;
  const rest = 2n * (sign * top - whole * bottom);
  const up = rest > bottom || (rest === bottom && whole % 2n === 1n);
  return sign * (up ? whole + 1n : whole);
}

/** `value * 10 ** places`, rounded to the nearest integer, exactly. */
function scaled(value: number, places: number): bigint {
  const [top, bottom] = ratio(value);
  return places < 0
    ? nearest(top, bottom * 10n ** BigInt(-places))
    : nearest(top * 10n ** BigInt(places), bottom);
}

/** A finite float with so many digits after the point, as of `%.2f`. */
export function fixed(value: number, places: number): string {
  const digits = String(scaled(Math.abs(value), places)).padStart(places + 1, '0');
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  return sign + (places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`);
}

/** As of `%.2e`. */
export function scientific(value: number, places: number): string {
  if (value === 0)
    return `${(Object.is(value, -0) ? '-0' : '0') + (places > 0 ? `.${'0'.repeat(places)}` : '')}e+00`;
  let exponent = Number(value.toExponential().split('e')[1]);
  let digits = String(scaled(Math.abs(value), places - exponent));
  if (digits.length > places + 1) {
    exponent += 1;
    digits = String(scaled(Math.abs(value), places - exponent));
  }
  const mantissa = places === 0 ? digits : `${digits.slice(0, 1)}.${digits.slice(1)}`;
  return (value < 0 ? '-' : '') + mantissa + exponentText(exponent);
}

/** As of `%.6g`. */
export function general(value: number, precision: number, keepZeros = false): string {
  const places = Math.max(precision, 1);
  const exponent = value === 0 ? 0 : Number(scientific(value, places - 1).split('e')[1]);
  const isPlain = exponent >= -4 && exponent < places;
  const text = isPlain ? fixed(value, places - 1 - exponent) : scientific(value, places - 1);
  if (keepZeros || !text.includes('.')) return text;
  return text.replace(/\.?0+(?=e|$)/, '');
}

/** round(value, places) of a float. */
export function roundFloat(value: number, places: number): number {
  if (!Number.isFinite(value) || places > 323) return value;
  if (places >= 0) return Number(fixed(value, places));
  const rounded = Number(scaled(value, places) * 10n ** BigInt(-places));
  return rounded === 0 && value < 0 ? -0 : rounded;
}

/** round(value, places) of an integer, for places below zero. */
export function roundInteger(value: bigint, places: number): bigint {
  const unit = 10n ** BigInt(-places);
  return nearest(value, unit) * unit;
}

/** Decimal digits of any script as 0 to 9: Unicode has them in runs of ten, from zero. */
function plainDigits(text: string): string {
  return text.replace(/(?!\d)\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    let start = code;
    while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start -= 1;
    return String((code - start) % 10);
  });
}

/** What int() reads of a text; null where it is none. */
export function parseInteger(text: string, base: number): bigint | null {
  const match = /^([+-]?)(0[xob])?((?:[0-9a-z]+_?)*)$/i.exec(plainDigits(text));
  const [, sign = '', prefix = '', rest = ''] = match ?? [];
  if (match === null || rest.endsWith('_')) return null;
  const prefixed = { '0x': 16, '0o': 8, '0b': 2 }[prefix.toLowerCase()];
  const isPrefix = prefixed !== undefined && (base === 0 || base === prefixed);
  const digits = (isPrefix ? rest : prefix + rest).replaceAll('_', '').toLowerCase();
  const radix = base === 0 ? (isPrefix ? prefixed : 10) : base;
  if (digits === '' || (base === 0 && !isPrefix && /^0+[1-9]/.test(digits))) return null;
  let value = 0n;
  for (const digit of digits) {
    const worth = Number.parseInt(digit, 36);
    if (!(worth < radix)) return null;
    value = value * BigInt(radix) + BigInt(worth);
  }
  return sign === '-' ? -value : value;
}

/** What float() reads of a text; null where it is none. */
export function parseFloatText(text: string): number | null {
  const plain = plainDigits(text).replace(/(?<=\d)_(?=\d)/g, '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(plain)) return Number(plain);
  const [, sign, word] = /^([+-]?)(inf|infinity|nan)$/i.exec(plain) ?? [];
  if (word === undefined) return null;
  return word.toLowerCase() === 'nan' ? Number.NaN : sign === '-' ? -Infinity : Infinity;
}
