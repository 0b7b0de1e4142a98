// How answers are drawn. Kept in this browser; the key only as long as the tab.
import { element } from './elements.js';

export interface Settings {
  readonly system: string;
  readonly key: string;
  /** Fields of the request. */
  readonly request: Readonly<Record<string, number>>;
}

const store = 'moeq-settings';
const numbers = ['temperature', 'top_p', 'max_tokens', 'seed'] as const;

/** Restores what was set, and keeps what will be. */
export function setUpSettings(): void {
  const form = element('settings', HTMLFormElement);
  const saved = JSON.parse(localStorage.getItem(store) ?? '{}') as Record<string, string>;
  for (const name of [...numbers, 'system']) {
    const field = fieldOf(name);
    if (saved[name] !== undefined) field.value = saved[name];
  }
  fieldOf('key').value = sessionStorage.getItem(store) ?? '';
  const keep = () => {
    const values = [...numbers, 'system'].map((name) => [name, fieldOf(name).value]);
    localStorage.setItem(store, JSON.stringify(Object.fromEntries(values)));
    sessionStorage.setItem(store, fieldOf('key').value);
    for (const output of form.querySelectorAll('output')) output.value = fieldOf(output.htmlFor.value).value;
  };
  form.addEventListener('input', keep);
  form.addEventListener('submit', (event) => event.preventDefault());
  keep();
}

export function settings(): Settings {
  const given = numbers.flatMap((name) => {
    const field = fieldOf(name);
    return field.value === '' || !field.checkValidity() ? [] : [[name, Number(field.value)] as const];
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

function fieldOf(id: string): HTMLInputElement | HTMLTextAreaElement {
  const field = element(id, HTMLElement);
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) return field;
  throw new Error(`#${id} is no field`);
}
