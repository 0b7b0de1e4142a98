// Lines of comments are at most 132 characters long; the formatter breaks code, but no comments.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const maxLength = 132;
const cwd = fileURLToPath(new URL('../', import.meta.url));
const skipped = ['node_modules', 'dist', 'testdata', 'generated'];

const files = globSync('{apps,bench,examples,fuzz,packages,scripts}/**/*.{ts,mjs,css}', {
  cwd,
  exclude: (path) => skipped.some((name) => path.split(/[/\\]/).includes(name)),
});
let long = 0;
for (const file of files) {
  readFileSync(new URL(`../${file.replaceAll('\\', '/')}`, import.meta.url), 'utf8')
    .split('\n')
    .forEach((line, index) => {
      if (!/^\s*(\/\/|\/\*|\*)/.test(line) || [...line].length <= maxLength) return;
      console.error(
        `${file}:${index + 1} has a comment of ${[...line].length} characters, more than ${maxLength}`,
      );
      long += 1;
    });
}
process.exitCode = long > 0 ? 1 : 0;
