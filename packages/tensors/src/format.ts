// Numbers as people read them. Bytes are decimal (1 MB = 10^6), as for file sizes and disks.

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const magnitudes = ['', 'k', 'M', 'B', 'T'] as const;

/** Three significant digits and a unit: `4.87 MB`; bytes below 1000 are whole. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, byteUnits);
}

/**
 * Three significant digits and a magnitude: `12.5 M` parameters.
 * @param names of the powers of 1000, from the first
 */
export function formatCount(count: number, names: readonly string[] = magnitudes): string {
  return scaled(count, names).trimEnd();
}

function scaled(value: number, names: readonly string[]): string {
  let power = 0;
  // 999.5 would round to 1000 with three digits, so it belongs to the next unit.
  while (value >= 999.5 && power < names.length - 1) {
    value /= 1000;
    power++;
  }
  const digits = power === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${names[power] ?? ''}`;
}
