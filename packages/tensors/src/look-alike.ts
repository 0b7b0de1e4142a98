// What people have under a weight file's name when a download went wrong, recognised by its first bytes.

const texts: readonly (readonly [pattern: RegExp, found: string])[] = [
  [
    /^version https:\/\/git-lfs/,
    'a git-lfs pointer: the file itself was not downloaded (run `git lfs pull`)',
  ],
  [/^\s*<(?:!doctype|html|\?xml)/i, 'an HTML or XML page: the download was answered with a web page'],
  [/^\s*\{\s*"/, 'JSON text: an error message or an index instead of the file'],
  [/^GGUF/, 'a GGUF file'],
];

const binaries: readonly (readonly [bytes: readonly number[], found: string])[] = [
  [[0x50, 0x4b, 3, 4], 'a zip archive, such as a PyTorch checkpoint'],
  [[0x80, 2], 'a Python pickle, such as an old PyTorch checkpoint'],
  [[0x1f, 0x8b], 'gzip-compressed bytes'],
];

/** A description of a file that begins so, or null when it is none of the usual mistakes. */
export function lookAlike(start: Uint8Array): string | null {
  const text = String.fromCharCode(...start.subarray(0, 64));
  const found =
    texts.find(([pattern]) => pattern.test(text)) ??
    binaries.find(([bytes]) => bytes.every((byte, i) => start[i] === byte));
  return found?.[1] ?? null;
}
