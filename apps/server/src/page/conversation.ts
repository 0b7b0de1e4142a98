// The conversation: messages, and the answer that is being written. The text of an answer is drawn at most once a frame.
import { type Message, ServerError, streamChat } from './api.js';
import { element, make } from './elements.js';
import { renderMarkdown } from './markdown.js';
import { askForKey, settings } from './settings.js';
import { modelName } from './status.js';

let messages: Message[] = [];
let writing: AbortController | null = null;

export function isWriting(): boolean {
  return writing !== null;
}

export function stop(): void {
  writing?.abort();
}

export function forget(): void {
  stop();
  messages = [];
  element('log', HTMLOListElement).replaceChildren();
  element('rate', HTMLElement).textContent = '';
}

/** Asks a question, and writes the answer below it. */
export async function ask(question: string): Promise<void> {
  messages.push({ role: 'user', content: question });
  append('user').textContent = question;
  await answer();
}

/** Writes another answer to the last question. */
export async function regenerate(): Promise<void> {
  if (writing !== null || messages.at(-1)?.role !== 'assistant') return;
  messages.pop();
  element('log', HTMLOListElement).lastElementChild?.remove();
  await answer();
}

async function answer(): Promise<void> {
  const { system, key, request } = settings();
  const controller = new AbortController();
  writing = controller;
  refresh();
  for (const tools of document.querySelectorAll('.tools')) tools.remove();
  const item = append('assistant writing');
  const body = make('div');
  item.append(body);
  let text = '';
  /** Pieces that came, which are tokens but for those whose text waited; in the end all tokens. */
  let tokens = 0;
  let drawn = false;
  const began = performance.now();
  let first = began;
  let last = began;
  const draw = () => {
    drawn = false;
    const scrolled = atEnd();
    body.replaceChildren(renderMarkdown(text));
    showRate(tokens, first, last, began);
    if (scrolled) item.scrollIntoView({ block: 'end' });
  };
  try {
    const told: Message[] = system === '' ? [] : [{ role: 'system', content: system }];
    const asked = { model: modelName(), messages: [...told, ...messages], ...request };
    for await (const piece of streamChat(asked, key, controller.signal)) {
      last = performance.now();
      if (tokens === 0) first = last;
      text += piece.text;
      tokens = piece.tokens ?? tokens + 1;
      if (!drawn) requestAnimationFrame(draw);
      drawn = true;
    }
  } catch (error) {
    if (!controller.signal.aborted) fail(error);
  } finally {
    if (writing === controller) writing = null;
    draw();
    item.classList.remove('writing');
    if (text === '') item.remove();
    else if (item.isConnected) {
      messages.push({ role: 'assistant', content: text });
      addTools(item, () => text);
    }
    refresh();
  }
}

function fail(error: unknown): void {
  if (error instanceof ServerError && error.status === 401) askForKey();
  append('failed').textContent = error instanceof Error ? error.message : String(error);
}

function append(className: string): HTMLLIElement {
  const item = make('li', { className: `message ${className}` });
  element('log', HTMLOListElement).append(item);
  item.scrollIntoView({ block: 'end' });
  return item;
}

function addTools(item: HTMLElement, text: () => string): void {
  const tools = make('div', { className: 'tools' });
  const again = make('button', { text: 'Regenerate' });
  again.addEventListener('click', () => void regenerate());
  const copy = make('button', { text: 'Copy' });
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(text()).then(() => {
      copy.textContent = 'Copied';
    });
  });
  for (const button of [again, copy]) button.type = 'button';
  tools.append(again, copy);
  item.append(tools);
}

function showRate(tokens: number, first: number, last: number, began: number): void {
  const seconds = (last - first) / 1000;
  const rate = tokens > 1 && seconds > 0 ? `${((tokens - 1) / seconds).toFixed(1)} tokens/s` : '';
  const wait = tokens > 0 ? ` · first after ${Math.round(first - began)} ms` : '';
  element('rate', HTMLElement).textContent = tokens > 0 ? `${tokens} tokens · ${rate}${wait}` : '';
}

function atEnd(): boolean {
  const talk = element('talk', HTMLElement);
  return talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
}

/** The button says what it does now. */
function refresh(): void {
  element('send', HTMLButtonElement).textContent = writing === null ? 'Send' : 'Stop';
}
