import { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Io } from './io.js';
import { progressBar } from './progress.js';
import { Recorder } from './testkit/capture.js';

function io(options: { isTTY: boolean; columns?: number }): Io & { stderr: Recorder } {
  const stderr = new Recorder(options);
  return { stdin: Readable.from([]), stdout: new Recorder(), stderr, signal: new AbortController().signal };
}

test('in a terminal: how far, how fast, and on what, in one line that is gone at the end', async () => {
  const terminal = io({ isTTY: true, columns: 100 });
  const progress = progressBar(terminal, 'quantizing');
  progress.update(1_000_000, 4_000_000, 'model.layers.0.w1');
  await new Promise((resolve) => setTimeout(resolve, 400));
  progress.update(2_000_000, 4_000_000, 'a.very.long.name.'.repeat(10));
  await new Promise((resolve) => setTimeout(resolve, 150));
  progress.stop();
  progress.stop();
  const drawn = stripVTControlCharacters(terminal.stderr.text);
  expect(drawn).toContain('quantizing  ██████░░░░░░░░░░░░░░░░░░  1.00 MB of 4.00 MB');
  expect(drawn).toContain('model.layers.0.w1');
  expect(drawn).toMatch(/████████████░{12} {2}2\.00 MB of 4\.00 MB {2}[\d.]+ MB\/s {2}0\.\d s left {2}…/);
  for (const line of drawn.split('quantizing').slice(1)) expect(line.length).toBeLessThanOrEqual(90);
  expect(terminal.stderr.text.endsWith('\u001b[2K')).toBe(true);
});

test('elsewhere nothing is drawn', () => {
  const file = io({ isTTY: false });
  const progress = progressBar(file, 'loading', 'weights');
  progress.update(1, 2, 'x');
  progress.stop();
  expect(file.stderr.text).toBe('');
});
