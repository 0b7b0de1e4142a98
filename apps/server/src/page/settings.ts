// How answers are drawn: as the model's own files say, but for what was set here. Kept in this browser; the key only as long
// as the tab.
import { element } from './elements.js';

export interface Settings {
  readonly system: string;
  readonly key: string;
  /** Fields of the request that were set. */
  readonly request: Readonly<Record<string, number>>;
}

const store = 'moeq-settings';
const numbers = ['temperature', 'top_p', 'max_tokens', 'seed'] as const;
const kept = [...numbers, 'system'] as const;

/** Fields that were set here, now or before. */
const chosen = new Set<string>();
/** The model's own. */
let own: Readonly<Record<string, number>> = {};

/** Restores what was set, and keeps what will be. */
export function setUpSettings(): void {
  const form = element('settings', HTMLFormElement);
  const saved = savedFields();
  for (const name of kept) {
    const value = saved[name];
    if (typeof value !== 'string') continue;
    fieldOf(name).value = value;
    chosen.add(name);
  }
  fieldOf('key').value = stored(() => sessionStorage.getItem(store)) ?? '';
  form.addEventListener('input', ({ target }) => {
    if (target instanceof HTMLElement) chosen.add(target.id);
    keep();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  element('own-sampling', HTMLButtonElement).addEventListener('click', () => {
    for (const name of numbers) chosen.delete(name);
    fieldOf('max_tokens').value = '';
    fieldOf('seed').value = '';
    showSampling(own);
    keep();
  });
  showValues();
}

/** Shows how the model draws where nothing was set. */
export function showSampling(sampling: Readonly<Record<string, number>>): void {
  own = sampling;
  for (const [name, value] of Object.entries(sampling)) {
    const field = document.getElementById(name);
    if (field instanceof HTMLInputElement && !chosen.has(name)) field.value = String(value);
  }
  showValues();
}

export function settings(): Settings {
  const given = numbers.flatMap((name) => {
    const field = fieldOf(name);
    const isSet = chosen.has(name) && field.value !== '' && field.checkValidity();
    return isSet ? [[name, Number(field.value)] as const] : [];
  });
  return {
    system: fieldOf('system').value.trim(),
    key: fieldOf('key').value,
    request: Object.fromEntries(given),
  };
}

/** Shows the field for the key, where the server wants one. */
export function askForKey(): void {
  element('key-row', HTMLLabelElement).hidden = false;
  fieldOf('key').focus();
}

function keep(): void {
  const values = kept.filter((name) => chosen.has(name)).map((name) => [name, fieldOf(name).value]);
  stored(() => localStorage.setItem(store, JSON.stringify(Object.fromEntries(values))));
  stored(() => sessionStorage.setItem(store, fieldOf('key').value));
  showValues();
}

function showValues(): void {
  for (const output of element('settings', HTMLFormElement).querySelectorAll('output'))
    output.value = fieldOf(output.htmlFor.value).value;
}

/** What was kept, whatever it has become since: damaged settings are none. */
function savedFields(): Readonly<Record<string, unknown>> {
  const saved: unknown = stored(() => JSON.parse(localStorage.getItem(store) ?? '{}'));
  return typeof saved === 'object' && saved !== null ? { ...saved } : {};
}

/** A browser may forbid storage; it may be full, or hold what is no JSON. */
function stored<Value>(action: () => Value): Value | null {
  try {
    return action();
  } catch {
    return null;
  }
}

function fieldOf(id: string): HTMLInputElement | HTMLTextAreaElement {
  const field = element(id, HTMLElement);
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) return field;
  throw new Error(`#${id} is no field`);
}
