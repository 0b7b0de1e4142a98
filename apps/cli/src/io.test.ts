import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { type Io, note, printJson, warn, widthOf, writeNow } from './io.js';
import { Recorder } from './testkit/capture.js';

test('a terminal is safe from what a model writes; a file gets it as it is', async () => {
  const text = 'a\tb\n\u001b[2Jc\r\u0007\u009b1md é 🙂\u007f';
  const [terminal, file] = [new Recorder({ isTTY: true }), new Recorder()];
  await writeNow(terminal, text);
  await writeNow(file, text);
  expect(terminal.text).toBe('a\tb\n\uFFFD[2Jc\uFFFD\uFFFD\uFFFD1md é 🙂\uFFFD');
  expect(file.text).toBe(text);
});

test('writing gives way to what waits', async () => {
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  await writeNow(new Recorder(), '');
  expect(turned).toBe(true);
});

test('JSON keeps strings and puts lists of numbers on one line', () => {
  const stdout = new Recorder();
  const io: Io = { stdin: Readable.from([]), stdout, stderr: stdout, signal: new AbortController().signal };
  const document = { ids: [1, -2.5, 1e21], text: '[\n  1,\n  2\n]', nested: [[1, 2], []], words: ['a', 'b'] };
  printJson(io, document);
  expect(JSON.parse(stdout.text)).toEqual(document);
  expect(stdout.text).toContain('"ids": [ 1, -2.5, 1e+21 ]');
  expect(stdout.text.endsWith('}\n')).toBe(true);
});

test('notes and warnings are lines; widths are those of the terminal, within reason', () => {
  const stderr = new Recorder();
  const io: Io = { stdin: Readable.from([]), stdout: stderr, stderr, signal: new AbortController().signal };
  note(io, 'a note');
  warn(io, 'a warning');
  expect(stderr.text).toBe('a note\nwarning: a warning\n');
  expect([80, 100, 300].map((columns) => widthOf(new Recorder({ columns })))).toEqual([80, 100, 120]);
});
