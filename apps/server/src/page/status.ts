// What the model is made of and what its experts do, as it happens: bytes by role, and for every layer how the tokens of
// the last moments were spread over its experts. A cell is dark at no token and brightest at four times an even share.
import { counted, formatBytes } from '@moeq/tensors';
import { fetchStatus, ServerError, type Status } from './api.js';
import { element, make } from './elements.js';
import { askForKey, settings, showSampling } from './settings.js';

const busyInterval = 700;
const idleInterval = 4000;
/** How much of the picture stays from one look to the next. */
const decay = 0.7;

let recent: number[][] = [];
let before: Status | null = null;

/** Looks again and again, while the page is to be seen. */
export async function watchStatus(): Promise<void> {
  for (;;) {
    let busy = false;
    if (!document.hidden) {
      try {
        const status = await fetchStatus(settings().key);
        busy = status.running + status.waiting > 0;
        show(status);
      } catch (error) {
        if (error instanceof ServerError && error.status === 401) askForKey();
        element('model', HTMLElement).textContent =
          error instanceof Error ? error.message : 'The server is gone.';
      }
    }
    await new Promise((resolve) => setTimeout(resolve, busy ? busyInterval : idleInterval));
  }
}

export function modelName(): string {
  return before?.model ?? '';
}

/** Tokens; null while the model is not known. */
export function contextLength(): number | null {
  return before?.contextLength ?? null;
}

function show(status: Status): void {
  const { model, architecture, backend, contextLength: tokens, experts } = status;
  const first = before?.model !== model;
  element('model', HTMLElement).textContent = `${model} · ${architecture} · ${backend} · context ${tokens}`;
  if (first) {
    showMemory(status);
    showSampling(status.sampling);
  }
  const fresh = experts.map(({ counts }, layer) =>
    counts.map((count, expert) => Math.max(0, count - (before?.experts[layer]?.counts[expert] ?? 0))),
  );
  const moved = fresh.some((row) => row.some((count) => count > 0));
  if (first) recent = experts.map(({ counts }) => [...counts]);
  else if (moved)
    recent = fresh.map((row, layer) => row.map((count, e) => count + decay * (recent[layer]?.[e] ?? 0)));
  before = status;
  drawExperts(experts.map(({ layer }) => layer));
}

function showMemory({ memory }: Status): void {
  const rows: [string, number][] = [
    ...Object.entries(memory.bytesByRole).sort((a, b) => b[1] - a[1]),
    ['KV cache', memory.kvCacheBytes],
  ];
  const most = Math.max(1, ...rows.map(([, bytes]) => bytes));
  const cells = rows.flatMap(([role, bytes]) => {
    const meter = make('meter');
    meter.max = most;
    meter.value = bytes;
    meter.title = `${role}: ${formatBytes(bytes)}`;
    return [make('span', { text: role }), meter, make('span', { text: formatBytes(bytes) })];
  });
  element('memory', HTMLElement).replaceChildren(...cells);
}

function drawExperts(layers: readonly number[]): void {
  const canvas = element('experts', HTMLCanvasElement);
  const columns = Math.max(1, ...recent.map((row) => row.length));
  const context = canvas.getContext('2d');
  if (context === null || recent.length === 0) return;
  // One pixel a cell; the style sheet makes cells of them.
  canvas.width = columns;
  canvas.height = recent.length;
  canvas.style.aspectRatio = `${columns} / ${Math.max(recent.length, columns / 4)}`;
  let busiest = { share: 0, layer: 0, expert: 0 };
  for (const [row, counts] of recent.entries()) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (const [expert, count] of counts.entries()) {
      const share = total === 0 ? 0 : count / total;
      const heat = Math.min(1, (share * counts.length) / 4);
      context.fillStyle = `oklch(${0.28 + 0.62 * heat} ${0.04 + 0.13 * heat} ${190 - 110 * heat})`;
      context.fillRect(expert, row, 1, 1);
      if (share > busiest.share) busiest = { share, layer: layers[row] ?? row, expert };
    }
  }
  const note = `${counted(recent.length, 'layer')} down, ${counted(columns, 'expert')} across. Busiest: expert ${busiest.expert} of layer ${busiest.layer}, ${(busiest.share * 100).toFixed(0)} % of its tokens.`;
  element('experts-note', HTMLElement).textContent = note;
  canvas.setAttribute('aria-label', note);
}
