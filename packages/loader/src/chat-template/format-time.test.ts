// Against Python's datetime.strftime: testdata/times.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { chatFormatter } from './chat-formatter.js';
import { formatTime } from './format-time.js';

type Moment = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

const path = new URL('../../testdata/times/times.json', import.meta.url);
const { moments, formats, texts } = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly moments: readonly Moment[];
  readonly formats: readonly string[];
  readonly texts: readonly string[];
};
/** `%s` counts from an epoch in UTC; the reference was made there. */
const zoneless = formats.map((format) => !/%[^%]*s$/.test(format));

test.each(moments.map((moment, index) => [moment, index] as const))('%j', (moment, index) => {
  const [year, month, ...rest] = moment;
  const date = new Date(year, month - 1, ...rest);
  const own = texts.slice(index * formats.length, (index + 1) * formats.length);
  const written = formats.map((format) => formatTime(date, format));
  expect(written.filter((_, at) => zoneless[at])).toEqual(own.filter((_, at) => zoneless[at]));
});

test('seconds since 1970', () => {
  const date = new Date(2024, 6, 4, 9, 5, 3, 250);
  expect(formatTime(date, '%s %f')).toBe(`${Math.floor(date.getTime() / 1000)} 250000`);
});

test.each(['%+d', '%-z', '%5f', '%^Z', '%9999d'])('%s is refused by its name', (format) => {
  expect(() => formatTime(new Date(0), format)).toThrow(`the directive ${format} of strftime`);
});

test('strftime_now takes its format by place or by name, and nothing else', () => {
  const render = (call: string) => chatFormatter(`{{ ${call} }}`, {}, 'f')([]);
  expect(render("strftime_now(format='%%Y')")).toBe('%Y');
  expect(render("strftime_now('%%Y')")).toBe('%Y');
  for (const call of ['strftime_now()', 'strftime_now(1)', "strftime_now('a', 'b')", "strftime_now(x='a')"])
    expect(() => render(call), call).toThrow(/cannot run the chat template: .*strftime_now/);
});
