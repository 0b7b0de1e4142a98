// Numbers and bars as people read them. Bytes are decimal (1 MB = 10^6), as for file sizes and disks.

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Three significant digits and a unit: `4.87 MB`; bytes below 1000 are whole. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, units);
}

/** Three significant digits and a magnitude: `12.5 M` parameters. */
export function formatCount(count: number): string {
  return scaled(count, ['', 'k', 'M', 'B', 'T']).trimEnd();
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

/** `4.2 s`, `1 min 12 s`, `2 h 05 min` */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const pad = (part: number) => String(part).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** A ratio as a percentage that says 100 % only when it is all, and 0 % only when it is nothing. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return notFinite(share);
  if (share <= 0) return '0 %';
  if (share >= 1) return '100 %';
  if (share < 0.001) return '< 0.1 %';
  if (share > 0.999) return '> 99.9 %';
  return `${(100 * share).toFixed(1)} %`;
}

/** A relative error: `exact` only where it is 0, `unknown` where it was not measured. */
export function formatError(relativeError: number): string {
  if (relativeError === 0) return 'exact';
  if (!Number.isFinite(relativeError)) return notFinite(relativeError);
  return relativeError < 0.00005 ? '< 0.01 %' : `${(100 * relativeError).toFixed(2)} %`;
}

/** What stands in place of a figure that is infinite or not known. */
export function notFinite(value: number): string {
  return Number.isNaN(value) ? 'unknown' : value < 0 ? '-∞' : '∞';
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/**
 * A bar of `share` (0 to 1) of `width` characters, to an eighth of a character. What is more than nothing shows at least
 * one eighth. Not padded.
 */
export function bar(share: number, width: number): string {
  const all = Math.max(Math.round(Math.min(share, 1) * width * 8), share > 0 ? 1 : 0);
  return '█'.repeat(Math.floor(all / 8)) + (eighths[all % 8] ?? '');
}
