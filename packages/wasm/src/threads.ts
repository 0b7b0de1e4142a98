// How many threads compute by default: one for each physical core. Engines report logical processors only; on Linux the
// kernel's topology says which of them share a core.

interface NodeProcess {
  readonly platform?: string;
  getBuiltinModule?(name: 'node:fs'): typeof import('node:fs');
}

/** More threads than this wait for each other longer than they compute, for matrices of usual sizes. */
const most = 64;

export function defaultThreads(): number {
  const logical = globalThis.navigator?.hardwareConcurrency ?? 1;
  return Math.max(1, Math.min(most, physicalCores(logical) ?? guess(logical)));
}

/** In a browser: phones and small machines rarely share cores, large ones mostly do. */
function guess(logical: number): number {
  return logical <= 4 ? logical : Math.ceil(logical / 2);
}

/** Pairs of socket and core in /proc/cpuinfo; null where there are none. */
function physicalCores(logical: number): number | null {
  const { process } = globalThis as { process?: NodeProcess };
  if (process?.getBuiltinModule === undefined) return null;
  if (process.platform !== 'linux') return logical;
  try {
    const text = process.getBuiltinModule('node:fs').readFileSync('/proc/cpuinfo', 'utf8');
    const cores = new Set<string>();
    for (const processor of text.split('\n\n')) {
      const socket = /^physical id\s*: (\d+)$/m.exec(processor)?.[1];
      const core = /^core id\s*: (\d+)$/m.exec(processor)?.[1];
      if (socket !== undefined && core !== undefined) cores.add(`${socket}:${core}`);
    }
    return cores.size === 0 ? logical : Math.min(logical, cores.size);
  } catch {
    return logical;
  }
}
