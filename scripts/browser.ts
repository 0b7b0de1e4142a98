// A GPU and a browser for tests, from npm alone: SwiftShader computes Vulkan on the CPU for Dawn in Node, and Chromium has
// WebGPU through it. Both are unpacked from @sparticuz/chromium (Linux, x64) once, under node_modules/.cache.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import type { Browser, LaunchOptions } from 'playwright-core';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

function packageFolder(): { folder: string; version: string } {
  const entry = require.resolve('@sparticuz/chromium');
  const folder = join(dirname(entry), '..');
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { folder, version };
}

/** The folder of an unpacked archive; unpacks it beside and renames, so that concurrent callers find it whole or not at all. */
function unpacked(name: 'swiftshader.tar.br' | 'al2023.tar.br' | 'fonts.tar.br' | 'chromium.br'): string {
  const { folder, version } = packageFolder();
  const cache = join(root, 'node_modules', '.cache', `moeq-chromium-${version}`);
  const target = join(cache, name.split('.')[0] as string);
  if (existsSync(target)) return target;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(`${target}-`);
  const bytes = brotliDecompressSync(readFileSync(join(folder, 'bin', name)));
  if (name === 'chromium.br') writeFileSync(join(fresh, 'chromium'), bytes, { mode: 0o755 });
  else untar(bytes, fresh);
  try {
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Files of a ustar archive: headers of 512 bytes, contents padded to 512. */
function untar(archive: Uint8Array, folder: string): void {
  const text = (at: number, length: number): string =>
    Buffer.from(archive.subarray(at, at + length))
      .toString('latin1')
      .replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const [name, mode, size, type] = [
      text(at, 100),
      text(at + 100, 8),
      Number.parseInt(text(at + 124, 12), 8),
      text(at + 156, 1),
    ];
    if (type === '0' || type === '') {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, archive.subarray(at + 512, at + 512 + size), {
        mode: Number.parseInt(mode, 8) & 0o777,
      });
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** RTLD_NOW | RTLD_NODELETE of glibc: the library stays when Node finds that it is no addon. */
const loadAndKeep = 0x1002;

/** Where the loader of Vulkan is that comes with SwiftShader; what it finds without VK_ICD_FILENAMES is no driver. */
export function vulkanLoaderFolder(): string {
  return unpacked('swiftshader.tar.br');
}

/**
 * Lets Dawn find SwiftShader in this process, from its next adapter request on, and in processes that it starts.
 * @returns the path of the Vulkan driver's manifest, which VK_ICD_FILENAMES now names
 */
export function swiftshader(): string {
  const folder = vulkanLoaderFolder();
  try {
    process.dlopen({ exports: {} }, join(folder, 'libvulkan.so.1'), loadAndKeep);
  } catch {
    // always: the Vulkan loader is no addon; once loaded, Dawn finds it by its name
  }
  const manifest = join(folder, 'vk_swiftshader_icd.json');
  const { LD_LIBRARY_PATH } = process.env;
  const libraries = [folder, LD_LIBRARY_PATH].filter(Boolean).join(':');
  Object.assign(process.env, { VK_ICD_FILENAMES: manifest, LD_LIBRARY_PATH: libraries });
  return manifest;
}

/** A configuration of fontconfig for the one typeface of the archive, whose own looks for it elsewhere. */
function fontsFile(folder: string): string {
  const file = join(folder, 'here.conf');
  const dirs = `<dir>${folder}/fonts</dir><cachedir>${folder}/cache</cachedir>`;
  if (!existsSync(file)) writeFileSync(file, `<?xml version="1.0"?><fontconfig>${dirs}</fontconfig>\n`);
  return file;
}

/** Chromium without a window; WebGPU computes with SwiftShader. Launches in about a second. */
export async function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  const { LD_LIBRARY_PATH } = process.env;
  const { chromium } = await import('playwright-core');
  const libraries = join(unpacked('al2023.tar.br'), 'lib');
  const graphics = unpacked('swiftshader.tar.br');
  const fonts = unpacked('fonts.tar.br');
  const binary = unpacked('chromium.br');
  for (const file of [
    'libEGL.so',
    'libGLESv2.so',
    'libvk_swiftshader.so',
    'libvulkan.so.1',
    'vk_swiftshader_icd.json',
  ]) {
    const beside = join(binary, file);
    if (!existsSync(beside)) writeFileSync(beside, readFileSync(join(graphics, file)), { mode: 0o755 });
  }
  return chromium.launch({
    executablePath: join(binary, 'chromium'),
    headless: true,
    ...options,
    args: [
      '--headless=shell',
      '--no-sandbox',
      '--no-zygote',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--disable-vulkan-surface',
      '--enable-features=Vulkan',
      ...(options.args ?? []),
    ],
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [libraries, LD_LIBRARY_PATH].filter(Boolean).join(':'),
      FONTCONFIG_FILE: fontsFile(fonts),
      ...options.env,
    },
  });
}
