// Layers down, experts across: the more of a layer's tokens an expert computes, the stronger its cell; those of the last token
// have a rim. A cell can be pointed at, or walked to with the arrow keys, and is then described in words.
import { element } from './elements.ts';
import type { LayerHeat } from './expert-window.ts';

/** Full colour at four times an even share. */
const fullHeat = 4;

let layers: readonly LayerHeat[] = [];
/** Row and column that are described in words; null: the busiest. */
let described: { row: number; column: number } | null = null;

export function setUpHeatMap(): void {
  const canvas = element('experts', HTMLCanvasElement);
  new ResizeObserver(draw).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
    const { clientWidth, clientHeight } = canvas;
    tell(
      Math.floor((offsetY / clientHeight) * layers.length),
      Math.floor((offsetX / clientWidth) * columns()),
    );
  });
  canvas.addEventListener('pointerleave', () => tellBusiest());
  canvas.addEventListener('focus', () =>
    element('experts-note', HTMLElement).setAttribute('aria-live', 'polite'),
  );
  canvas.addEventListener('blur', () => {
    element('experts-note', HTMLElement).removeAttribute('aria-live');
    tellBusiest();
  });
  canvas.addEventListener('keydown', (event) => {
    const [down, right] = arrows[event.key] ?? [0, 0];
    if ((down === 0 && right === 0) || layers.length === 0) return;
    event.preventDefault();
    tell((described?.row ?? -Math.max(0, down)) + down, (described?.column ?? -Math.max(0, right)) + right);
  });
}

const arrows: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

export function showExperts(heat: readonly LayerHeat[]): void {
  layers = heat;
  element('experts', HTMLCanvasElement).hidden = false;
  draw();
}

function columns(): number {
  return Math.max(1, ...layers.map(({ shares }) => shares.length));
}

function tell(row: number, column: number): void {
  const limit = (value: number, most: number) => Math.max(0, Math.min(most, value));
  described = { row: limit(row, layers.length - 1), column: limit(column, columns() - 1) };
  draw();
}

function tellBusiest(): void {
  described = null;
  draw();
}

function draw(): void {
  const canvas = element('experts', HTMLCanvasElement);
  const context = canvas.getContext('2d');
  if (context === null || layers.length === 0) return;
  const wide = columns();
  canvas.style.aspectRatio = `${wide} / ${Math.max(layers.length, wide / 3)}`;
  const { clientWidth, clientHeight } = canvas;
  const scale = devicePixelRatio;
  canvas.width = Math.max(1, Math.round(clientWidth * scale));
  canvas.height = Math.max(1, Math.round(clientHeight * scale));
  const style = getComputedStyle(canvas);
  const [idle, hot, rim] = ['--idle', '--hot', '--ink'].map((name) => style.getPropertyValue(name));
  const [width, height] = [canvas.width / wide, canvas.height / layers.length];
  const gap = Math.min(3 * scale, width / 8, height / 8);
  for (const [row, { shares, latest }] of layers.entries()) {
    for (const [column, share] of shares.entries()) {
      const cell = [column * width + gap / 2, row * height + gap / 2, width - gap, height - gap] as const;
      const fill = (colour: string | undefined, alpha: number) => {
        context.globalAlpha = alpha;
        context.fillStyle = colour ?? '';
        context.beginPath();
        context.roundRect(...cell, gap);
        context.fill();
      };
      fill(idle, 1);
      fill(hot, Math.min(1, (share * shares.length) / fullHeat) ** 0.8);
      context.globalAlpha = 1;
      context.strokeStyle = rim ?? '';
      context.lineWidth = Math.min(gap, scale * 1.5);
      const isDescribed = described?.row === row && described.column === column;
      if (latest[column] === true || isDescribed) context.stroke();
      if (isDescribed) context.strokeRect(cell[0] - gap, cell[1] - gap, cell[2] + 2 * gap, cell[3] + 2 * gap);
    }
  }
  say(canvas);
}

function say(canvas: HTMLCanvasElement): void {
  let { row, column } = described ?? { row: 0, column: 0 };
  if (described === null) {
    const share = (at: { row: number; column: number }) => layers[at.row]?.shares[at.column] ?? 0;
    for (const [r, { shares }] of layers.entries()) {
      for (const c of shares.keys())
        if (share({ row: r, column: c }) > share({ row, column })) [row, column] = [r, c];
    }
  }
  const { layer = row, shares = [] } = layers[row] ?? {};
  const part = `${(100 * (shares[column] ?? 0)).toFixed(0)} %`;
  const note = `${described === null ? 'Busiest: layer' : 'Layer'} ${layer}, expert ${column}: ${part} of the layer’s recent work.`;
  element('experts-note', HTMLElement).textContent = note;
  canvas.setAttribute('aria-label', `${layers.length} layers down, ${columns()} experts across. ${note}`);
}
