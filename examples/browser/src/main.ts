// Wires the page: load a model, write with it, stop, and the keys that do the same.
import { formatBytes } from '@moeq/tensors';
import { type BackendChoice, environmentNotices } from './backend.ts';
import { chosen, element, sentence } from './elements.ts';
import { showFacts, showNotices } from './facts.ts';
import { seconds } from './format.ts';
import { setUpHeatMap } from './heat-map.ts';
import { type Loaded, type LoadingProgress, loadModel } from './load-model.ts';
import { setUpSampling } from './sampling.ts';
import { Writing } from './writing.ts';

const loadButton = element('load-button', HTMLButtonElement);
const writeButton = element('write', HTMLButtonElement);
const stopButton = element('stop', HTMLButtonElement);
const prompt = element('prompt', HTMLTextAreaElement);

let loaded: Loaded | null = null;
let writing: Writing | null = null;
let loading: AbortController | null = null;

async function load(): Promise<void> {
  const controller = new AbortController();
  loading = controller;
  loadButton.textContent = 'Cancel';
  writeButton.disabled = true;
  for (const id of ['loaded', 'load-error']) element(id, HTMLElement).textContent = '';
  writing?.stop();
  const before = loaded;
  [loaded, writing] = [null, null];
  element('loading', HTMLElement).hidden = false;
  const began = performance.now();
  try {
    await before?.close();
    loaded = await loadModel({
      where: element('where', HTMLInputElement).value.trim(),
      recipe: chosen('recipe'),
      backend: chosen('backend') as BackendChoice,
      signal: controller.signal,
      onProgress: (progress) => showProgress(progress, performance.now() - began),
    });
    writing = new Writing(loaded);
    showFacts(loaded);
    showNotices([...environmentNotices(), ...loaded.notices]);
    const { model, storedBytes } = loaded;
    element('loaded', HTMLElement).textContent =
      `${model.name} in ${seconds(performance.now() - began)}: ${formatBytes(storedBytes)} of weights, ${formatBytes(model.memory.weightBytes)} in memory.`;
    prompt.focus({ preventScroll: true });
  } catch (error) {
    if (!controller.signal.aborted) element('load-error', HTMLElement).textContent = sentence(error);
  } finally {
    loading = null;
    element('loading', HTMLElement).hidden = true;
    loadButton.textContent = loaded === null ? 'Load' : 'Load again';
    writeButton.disabled = loaded === null;
  }
}

function showProgress({ step, fraction, received, size }: LoadingProgress, milliseconds: number): void {
  element('bar', HTMLProgressElement).value = fraction;
  const rate = milliseconds > 100 ? ` · ${formatBytes((received / milliseconds) * 1000)}/s` : '';
  const note =
    step === 'compiling' ? 'compiling kernels…' : `${formatBytes(received)} of ${formatBytes(size)}${rate}`;
  element('loading-note', HTMLElement).textContent = note;
}

async function write(): Promise<void> {
  if (writing === null || writeButton.disabled) return;
  [writeButton.disabled, stopButton.disabled] = [true, false];
  await writing.write(prompt.value);
  [writeButton.disabled, stopButton.disabled] = [loaded === null, true];
}

element('load', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  if (loading === null) void load();
  else loading.abort();
});
element('ask', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  void write();
});
stopButton.addEventListener('click', () => writing?.stop());
prompt.addEventListener('keydown', (event) => {
  // While an input method composes, Enter picks a word.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  void write();
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') writing?.stop();
});

const asked = new URLSearchParams(location.search);
for (const name of ['recipe', 'backend']) {
  const radio = document.querySelector(`input[name="${name}"][value="${CSS.escape(asked.get(name) ?? '')}"]`);
  if (radio instanceof HTMLInputElement) radio.checked = true;
}
element('where', HTMLInputElement).value = asked.get('model') ?? '';
setUpSampling();
setUpHeatMap();
showNotices(environmentNotices());
