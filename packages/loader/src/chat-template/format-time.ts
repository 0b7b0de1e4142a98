// Python's datetime.strftime of a local time without a zone, on Linux and in English: the directives, flags, widths and
// modifiers of glibc, https://sourceware.org/git/?p=glibc.git;a=blob;f=time/strftime_l.c.
import { TemplateUnsupported } from '../jinja/errors.js';

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October'],
  ...['November', 'December'],
];

interface NumberField {
  readonly digits: number;
  readonly value: (date: Date) => number;
  /** Padded with spaces unless a flag says otherwise. */
  readonly isSpaced?: true;
  /** The modifiers that it takes, and that change nothing; O unless given. */
  readonly modifiers?: string;
}

const day = 86_400_000;
/** Of the year, from 0. */
const dayOfYear = (date: Date): number =>
  (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) / day;
/** From 1, Monday, to 7. */
const isoWeekday = (date: Date): number => date.getDay() || 7;

/** The year and week that the Thursday of the week is in. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - isoWeekday(date));
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}

const hour12 = (date: Date): number => date.getHours() % 12 || 12;

const numbers: Readonly<Record<string, NumberField>> = {
  C: { digits: 2, value: (date) => Math.floor(date.getFullYear() / 100), modifiers: 'EO' },
  d: { digits: 2, value: (date) => date.getDate() },
  e: { digits: 2, value: (date) => date.getDate(), isSpaced: true },
  G: { digits: 1, value: (date) => isoWeek(date).year },
  g: { digits: 2, value: (date) => isoWeek(date).year % 100 },
  H: { digits: 2, value: (date) => date.getHours() },
  I: { digits: 2, value: hour12 },
  j: { digits: 3, value: (date) => dayOfYear(date) + 1 },
  k: { digits: 2, value: (date) => date.getHours(), isSpaced: true },
  l: { digits: 2, value: hour12, isSpaced: true },
  M: { digits: 2, value: (date) => date.getMinutes() },
  m: { digits: 2, value: (date) => date.getMonth() + 1 },
  S: { digits: 2, value: (date) => date.getSeconds() },
  s: { digits: 1, value: (date) => Math.floor(date.getTime() / 1000), modifiers: 'EO' },
  U: { digits: 2, value: (date) => Math.floor((dayOfYear(date) - date.getDay() + 7) / 7) },
  u: { digits: 1, value: isoWeekday, modifiers: 'EO' },
  V: { digits: 2, value: (date) => isoWeek(date).week },
  W: { digits: 2, value: (date) => Math.floor((dayOfYear(date) - isoWeekday(date) + 8) / 7) },
  w: { digits: 1, value: (date) => date.getDay() },
  Y: { digits: 4, value: (date) => date.getFullYear(), modifiers: 'E' },
  y: { digits: 2, value: (date) => date.getFullYear() % 100, modifiers: 'EO' },
};

const texts: Readonly<Record<string, (date: Date) => string>> = {
  '%': () => '%',
  A: (date) => weekdays[date.getDay()] ?? '',
  a: (date) => (weekdays[date.getDay()] ?? '').slice(0, 3),
  B: (date) => months[date.getMonth()] ?? '',
  b: (date) => (months[date.getMonth()] ?? '').slice(0, 3),
  h: (date) => (months[date.getMonth()] ?? '').slice(0, 3),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  t: () => '\t',
};

/** Directives that stand for several. */
const formats: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  R: '%H:%M',
  r: '%I:%M:%S %p',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  x: '%m/%d/%y',
};

/** Of a padded field; wider ones are refused. */
const maxWidth = 256;

/**
 * The date by a format such as `%d %B %Y`; what is no directive stays as it is.
 * @throws TemplateUnsupported for a width above 256, and for the flag
 *   + and those of a zone or of microseconds, which differ from system to system
 */
export function formatTime(date: Date, format: string): string {
  return format.replace(
    /%([-_0^#+]*)(\d*)([EO]?)(.?)/gsu,
    (all, flags: string, digits: string, modifier: string, letter: string) => {
      if (letter === '') return all;
      if ('zZf'.includes(letter)) {
        if (all.length > 2) throw new TemplateUnsupported(`the directive ${all} of strftime`);
        return letter === 'f' ? String(date.getMilliseconds() * 1000).padStart(6, '0') : '';
      }
      const width = Number(digits);
      if (flags.includes('+') || width > maxWidth)
        throw new TemplateUnsupported(`the directive ${all} of strftime`);
      const pad = /[-_0](?=[^-_0]*$)/.exec(flags)?.[0];
      const text = directive(date, { letter, modifier, pad, width, flags }) ?? cased(all, letter, flags);
      return text.padStart(width, pad === '0' ? '0' : ' ');
    },
  );
}

interface Directive {
  readonly letter: string;
  readonly modifier: string;
  readonly pad: string | undefined;
  readonly width: number;
  readonly flags: string;
}

/** undefined where it is none. */
function directive(date: Date, { letter, modifier, pad, width, flags }: Directive): string | undefined {
  const number = Object.hasOwn(numbers, letter) ? numbers[letter] : undefined;
  if (number !== undefined) {
    if (!(number.modifiers ?? 'O').includes(modifier)) return undefined;
    const text = String(number.value(date));
    const padding = pad ?? (number.isSpaced ? '_' : '0');
    return padding === '-'
      ? text
      : text.padStart(Math.max(number.digits, width), padding === '_' ? ' ' : '0');
  }
  const whole = Object.hasOwn(formats, letter) ? formats[letter] : undefined;
  if (whole !== undefined) {
    const takes = 'RrT'.includes(letter) || (modifier === 'E' && 'cxX'.includes(letter));
    if (modifier !== '' && !takes) return undefined;
    const text = formatTime(date, whole);
    return flags.includes('^') ? text.toUpperCase() : text;
  }
  const named = Object.hasOwn(texts, letter) ? texts[letter]?.(date) : undefined;
  if (named === undefined) return undefined;
  const takes = 'npPt%'.includes(letter) || (modifier === 'O' && 'bBh'.includes(letter));
  if (modifier !== '' && !takes) return undefined;
  return cased(named, letter, flags);
}

function cased(text: string, letter: string, flags: string): string {
  if (letter === 'P' || (letter === 'p' && flags.includes('#'))) return text.toLowerCase();
  const isRaised = flags.includes('^') || (flags.includes('#') && 'aAbBh'.includes(letter));
  return isRaised ? text.toUpperCase() : text;
}
