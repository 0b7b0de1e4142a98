// What a loaded model is made of: bytes by role, and the machine that computes.
import type { Model } from '@moeq/runtime';
import { formatBytes } from '@moeq/tensors';
import { element, make } from './elements.ts';
import type { Loaded } from './load-model.ts';

export function showNotices(notices: readonly string[]): void {
  element('notices', HTMLUListElement).replaceChildren(...notices.map((notice) => make('li', notice)));
}

export function showFacts({ model, bytesByRole }: Loaded): void {
  const parts: [string, number][] = [
    ...[...bytesByRole].sort((a, b) => b[1] - a[1]),
    ['KV cache', model.memory.kvCacheBytes],
  ];
  const total = parts.reduce((sum, [, count]) => sum + count, 0);
  const bar = parts.map(([role, count], index) => {
    const part = make('span');
    part.style.flexGrow = String(count / total);
    part.style.setProperty('--part', String(index));
    part.title = `${role}: ${formatBytes(count)}`;
    return part;
  });
  element('memory-bar', HTMLElement).replaceChildren(...bar);
  const rows = parts.map(([role, count], index) => {
    const term = make('dt', role);
    term.style.setProperty('--part', String(index));
    return [term, make('dd', formatBytes(count))];
  });
  element('memory', HTMLElement).replaceChildren(
    ...rows.flat(),
    make('dt', 'together'),
    make('dd', formatBytes(total)),
  );
  showMachine(model);
}

function showMachine({ backend, config, contextLength }: Model): void {
  const isGpu = backend.name === 'webgpu';
  const facts = {
    Computes: isGpu ? 'WebGPU' : 'WebAssembly',
    [isGpu ? 'Adapter' : 'Kernels']: backend.description.replace(/^WebAssembly, /, ''),
    Isolated: crossOriginIsolated ? 'yes, threads can share memory' : 'no, one thread',
    Model: `${config.architecture}, ${config.layers.length} layers`,
    Context: `${contextLength} tokens`,
  };
  const rows = Object.entries(facts).flatMap(([name, value]) => [make('dt', name), make('dd', value)]);
  element('machine', HTMLElement).replaceChildren(...rows);
}
