import { expect, test } from 'vitest';
import { formatTime } from './format-time.js';

const morning = new Date(2024, 6, 4, 9, 5, 3);
const night = new Date(2024, 11, 25, 0, 0, 0);

/** What Python's strftime writes of the same moments. */
test.each([
  [morning, '%d %b %Y', '04 Jul 2024'],
  [morning, '%A, %B %-d, %Y', 'Thursday, July 4, 2024'],
  [morning, '%Y-%m-%d %H:%M:%S', '2024-07-04 09:05:03'],
  [morning, '%a %y %I:%M %p', 'Thu 24 09:05 AM'],
  [night, '%I %p %-H', '12 AM 0'],
  [night, '100%% %Q', '100% %Q'],
])('%o as %s', (date, format, text) => {
  expect(formatTime(date, format)).toBe(text);
});
