// Names of what is not finished yet, beside its target: `<target>.partial-<host>-<process>-<random>`. They say whose they
// are, so that the remains of a killed process can be distinguished from what a living one is writing.
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** `partial`: being written. `replaced`: what was at the target before, to be removed once the new is in place. */
export type UnfinishedKind = 'partial' | 'replaced';

/** Asked for where something is written: reading needs no permission for it, which Deno wants to be given. */
const host = () => hostname().replace(/[^a-zA-Z0-9.]+/g, '_');

export function unfinishedName(target: string, kind: UnfinishedKind): string {
  return `${target}.${kind}-${host()}-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** Paths beside `target` that processes of this host left behind when they died. */
async function leftBehind(target: string, kind: UnfinishedKind): Promise<string[]> {
  const prefix = `${basename(target)}.${kind}-${host()}-`;
  const names = await readdir(dirname(target));
  return names
    .filter((name) => name.startsWith(prefix))
    .filter((name) => {
      const pid = /^(\d+)-[0-9a-f]{8}$/.exec(name.slice(prefix.length))?.[1];
      return pid !== undefined && !isAlive(Number(pid));
    })
    .map((name) => join(dirname(target), name));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and someone else's
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/**
 * Cleans up after processes that died while they wrote `target`: unfinished output is removed, and a target that had been
 * moved aside to be replaced, but never was, is put back.
 */
export async function cleanUpAfterDead(target: string, exists: boolean): Promise<void> {
  for (const path of await leftBehind(target, 'partial')) await rm(path, { recursive: true, force: true });
  for (const path of await leftBehind(target, 'replaced')) {
    if (exists) await rm(path, { recursive: true, force: true });
    else await rename(path, target);
    exists = true;
  }
}
