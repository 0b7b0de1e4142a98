// `moeq serve` as a process of its own, on a free port of loopback, or one that runs already.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  /** Bytes that the process holds. */
  readonly residentBytes: () => Promise<number>;
  readonly metric: (name: string) => Promise<number>;
}

const command = fileURLToPath(new URL('../../apps/cli/dist/bin.js', import.meta.url));

export async function startServer(argv: readonly string[]): Promise<ServerProcess> {
  const child = spawn(process.execPath, [command, 'serve', ...argv, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('curl ')) break;
  }
  const url = / on (http:\/\/\S+)/.exec(said)?.[1];
  if (url === undefined) throw new Error('moeq serve did not start');
  process.stdout.write(said);
  return {
    ...attach(url),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGINT');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** A server that another process stops. */
export function attach(url: string): ServerProcess {
  const metric = async (name: string) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `)) ?? '';
    return Number(line.split(' ')[1]);
  };
  return {
    url,
    metric,
    residentBytes: () => metric('process_resident_memory_bytes'),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
