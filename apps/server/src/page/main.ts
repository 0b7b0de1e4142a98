// The page at /: wires keys and buttons to the conversation.
import { ask, forget, isWriting, regenerate, stop } from './conversation.js';
import { element } from './elements.js';
import { setUpSettings } from './settings.js';
import { watchStatus } from './status.js';

const form = element('ask', HTMLFormElement);
const question = element('question', HTMLTextAreaElement);
const side = element('side', HTMLElement);
const panel = element('panel', HTMLButtonElement);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (isWriting()) {
    stop();
    return;
  }
  const text = question.value.trim();
  if (text === '') return;
  question.value = '';
  void ask(text);
});

question.addEventListener('keydown', (event) => {
  // While an input method composes, Enter picks a word.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!isWriting()) form.requestSubmit();
});

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') stop();
  if (event.altKey && event.key === 'r') void regenerate();
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
  if (event.key === '/' && !typing) {
    event.preventDefault();
    question.focus();
  }
});

element('fresh', HTMLButtonElement).addEventListener('click', () => {
  forget();
  question.focus();
});

function showPanel(shown: boolean): void {
  side.hidden = !shown;
  panel.setAttribute('aria-expanded', String(shown));
}
panel.addEventListener('click', () => showPanel(side.hidden !== false));
showPanel(matchMedia('(min-width: 52rem)').matches);

setUpSettings();
void watchStatus();
