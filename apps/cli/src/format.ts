// Durations, shares and bars as people read them.

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
