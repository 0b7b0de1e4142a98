// A page as Chromium shows it, in light and dark side by side: `node scripts/screenshot.ts out/report/index.html docs/report.png`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launchChromium } from './browser.ts';

const [page, out] = process.argv.slice(2);
if (page === undefined || out === undefined) throw new Error('usage: screenshot.ts PAGE.html OUT.png');

/** CSS pixels of one view, and how much of the page it shows. */
const [width, height] = [1032, 1500];

/** Of the picture's pixels to those of the page: both views are read at a glance, and the file stays small. */
const scale = 0.58;

const work = await mkdtemp(join(tmpdir(), 'moeq-screenshot-'));
// The fonts of the system; those that come with the browser are listed at places that only its makers have.
const cache = fileURLToPath(new URL('../node_modules/.cache', import.meta.url));
await writeFile(
  join(work, 'fonts.conf'),
  `<?xml version="1.0"?><fontconfig><dir>/usr/share/fonts</dir><dir>${cache}</dir><cachedir>${work}</cachedir>
<alias><family>system-ui</family><prefer><family>Inter</family><family>Open Sans</family></prefer></alias></fontconfig>`,
);
const browser = await launchChromium({ env: { FONTCONFIG_PATH: work } });
try {
  const views: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    const view = await browser.newPage({ colorScheme, viewport: { width, height } });
    await view.goto(pathToFileURL(resolve(page)).href);
    views.push(`data:image/png;base64,${(await view.screenshot()).toString('base64')}`);
  }
  const both = await browser.newPage({
    viewport: { width: Math.round(2 * width * scale), height: Math.round(height * scale) },
  });
  const images = views.map((view) => `<img src="${view}" style="width:50%">`).join('');
  await both.setContent(`<body style="margin:0;display:flex">${images}</body>`);
  await both.screenshot({ path: out });
} finally {
  await browser.close();
  await rm(work, { recursive: true });
}
