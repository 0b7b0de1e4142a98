// Numbers as the page writes them.
import { formatBytes, formatCount } from '@moeq/tensors';

/** A round number on an axis: `5 MB`. */
export const byteTick = (value: number): string =>
  formatBytes(value).replace(/\.\d+/, (part) => part.replace(/\.?0+$/, ''));

export const count = (value: number): string =>
  formatCount(value, ['', 'k', 'million', 'billion', 'trillion']);

/** What is no figure: infinite, or not known. */
const notFinite = (value: number): string => (Number.isNaN(value) ? 'unknown' : value < 0 ? '−∞' : '∞');

/** `96.4 %`; 100 and 0 only where it is all or nothing. */
export function percent(share: number, fraction = 1): string {
  if (!Number.isFinite(share)) return notFinite(share);
  const text = (100 * share).toFixed(fraction);
  if (share < 1 && Number(text) >= 100) return `> ${(100 - 10 ** -fraction).toFixed(fraction)} %`;
  if (share > 0 && Number(text) <= 0) return `< ${(10 ** -fraction).toFixed(fraction)} %`;
  return share === 1 ? '100 %' : share === 0 ? '0 %' : `${text} %`;
}

export const signedPercent = (share: number): string =>
  !Number.isFinite(share)
    ? notFinite(share)
    : `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(2)} %`;

export const perplexity = (value: number): string =>
  !Number.isFinite(value)
    ? notFinite(value)
    : value < 1000
      ? value.toFixed(value < 100 ? 3 : 2)
      : value.toPrecision(5);

export function nats(value: number): string {
  if (!Number.isFinite(value)) return notFinite(value);
  if (value === 0) return '0';
  return value < 1e-3 ? value.toExponential(1).replace('-', '−') : value.toFixed(4);
}
