// Whether Dawn finds a driver on Linux, where it computes with Vulkan. Where there is none Dawn writes warnings of its own to
// the process's stderr and cannot be kept from it, so it is asked in a process whose stderr is a pipe.
import { spawn } from 'node:child_process';
import { basename } from 'node:path';

/** What Dawn loads. */
const library = 'libvulkan.so.1';

/** Exit status of the process that asks, when there is no adapter; others are failures. */
const noAdapterStatus = 3;

/** Dawn ends with its GPU object, which is held until the answer is there. */
const question = `
const [webgpu, ...flags] = process.argv.slice(1);
const { create } = await import(webgpu);
const gpu = create(flags);
const adapter = await gpu.requestAdapter();
process.exit(adapter ? 0 : ${noAdapterStatus});
`;

/** Whether a driver has answered once: Dawn then has nothing to warn of. */
let answered = false;

/**
 * @param webgpu URL of the package `webgpu`
 * @param flags of Dawn
 * @returns why there is no driver; null where one answers, or where that cannot be found out
 */
export async function missingDriver(webgpu: string, flags: readonly string[]): Promise<string | null> {
  if (process.platform !== 'linux' || answered) return null;
  if (!hasLibrary()) return `no ${library}`;
  // other engines, and programs that have Node inside, would start themselves
  if (!/^node(js)?$/.test(basename(process.execPath))) return null;
  const { status, signal, stderr } = await ask(webgpu, flags);
  answered = status === 0;
  if (signal !== null) return `one that ends the process with ${signal}`;
  return status === noAdapterStatus ? `none${reasonIn(stderr)}` : null;
}

function hasLibrary(): boolean {
  try {
    process.dlopen({ exports: {} }, library);
    return true;
  } catch (error) {
    // a library that is there is no addon of Node
    return error instanceof Error && error.message.includes('self-register');
  }
}

interface Answer {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

function ask(webgpu: string, flags: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const args = ['--input-type=module', '--eval', question, '--', webgpu, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', () => resolve({ status: null, signal: null, stderr }));
    child.on('close', (status, signal) => resolve({ status, signal, stderr }));
  });
}

/** The first warning of Dawn. */
function reasonIn(stderr: string): string {
  const warning = /^Warning: (.+)$/m.exec(stderr)?.[1]?.trim();
  return warning === undefined ? '' : ` (Dawn: ${warning.replace(/[.!]$/, '')})`;
}
