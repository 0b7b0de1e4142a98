// How the next token is drawn, from the form; what is left empty is the model's own. Kept in this browser.
import type { GenerateOptions } from '@moeq/runtime';
import { element } from './elements.ts';

const names = ['temperature', 'topP', 'topK', 'maxNewTokens', 'seed'] as const;
const store = 'moeq-sampling';

const field = (name: (typeof names)[number]) => element(name, HTMLInputElement);

/** Restores what was set, and keeps what will be; folded up where there is little room. */
export function setUpSampling(): void {
  const form = element('sampling', HTMLFormElement);
  const saved = JSON.parse(localStorage.getItem(store) ?? '{}') as Partial<Record<string, string>>;
  for (const name of names) field(name).value = saved[name] ?? field(name).value;
  const keep = () => {
    localStorage.setItem(
      store,
      JSON.stringify(Object.fromEntries(names.map((name) => [name, field(name).value]))),
    );
    for (const output of form.querySelectorAll('output')) {
      output.value = element(output.htmlFor.value, HTMLInputElement).value;
    }
  };
  element('sampling-panel', HTMLDetailsElement).open = matchMedia('(min-width: 60rem)').matches;
  form.addEventListener('input', keep);
  form.addEventListener('submit', (event) => event.preventDefault());
  keep();
}

export function sampling(): GenerateOptions {
  const given = names.flatMap((name) => {
    const { value, validity } = field(name);
    return value === '' || !validity.valid ? [] : [[name, Number(value)] as const];
  });
  return Object.fromEntries(given);
}
