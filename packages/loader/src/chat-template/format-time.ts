// Python's strftime, the directives that chat templates use, in local time and English.

const two = (value: number) => String(value).padStart(2, '0');
const named = (date: Date, options: Intl.DateTimeFormatOptions) => date.toLocaleDateString('en-US', options);

const directives: Readonly<Record<string, (date: Date) => string>> = {
  '%': () => '%',
  Y: (date) => String(date.getFullYear()).padStart(4, '0'),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  B: (date) => named(date, { month: 'long' }),
  b: (date) => named(date, { month: 'short' }),
  d: (date) => two(date.getDate()),
  A: (date) => named(date, { weekday: 'long' }),
  a: (date) => named(date, { weekday: 'short' }),
  H: (date) => two(date.getHours()),
  I: (date) => two(date.getHours() % 12 || 12),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
};

/** The date by a format such as `%d %B %Y`; a directive that is not known stays as it is. */
export function formatTime(date: Date, format: string): string {
  return format.replace(/%-?([%a-zA-Z])/g, (text, letter: string) => {
    const value = directives[letter]?.(date);
    if (value === undefined) return text;
    return text.startsWith('%-') ? value.replace(/^0+(?=.)/, '') : value;
  });
}
