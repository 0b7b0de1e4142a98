// A decimal number as its digits, exactly: bounds of a schema are compared with the text of a number digit by digit.

export interface Decimal {
  readonly negative: boolean;
  /** Without leading zeros; `0` alone. */
  readonly whole: string;
  /** Without trailing zeros. */
  readonly fraction: string;
}

/** An integer exactly, another number as the shortest decimal that is read as it. @param value finite */
export function decimalOf(value: number): Decimal {
  const [, sign, first = '0', rest = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(written(value)) ?? [];
  const digits = first + rest;
  const point = first.length + Number(power);
  const whole = point <= 0 ? '0' : digits.slice(0, point).padEnd(point, '0');
  const fraction = point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  return {
    negative: sign === '-',
    whole: whole.replace(/^0+(?=\d)/, ''),
    fraction: fraction.replace(/0+$/, ''),
  };
}

/** Integers with all their digits. */
function written(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}
