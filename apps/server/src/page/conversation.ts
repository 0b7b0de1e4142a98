// The conversation: its turns, and the answer that is being written. The text of an answer is drawn at most once a frame.
import { counted } from '@moeq/tensors';
import { type Message, ServerError, streamChat } from './api.js';
import { element, make } from './elements.js';
import { renderMarkdown } from './markdown.js';
import { askForKey, settings } from './settings.js';
import { contextLength, modelName } from './status.js';

interface Turn extends Message {
  readonly item: HTMLLIElement;
}

/** Users and assistants in turn, as templates want them: what failed leaves no turn behind. */
let turns: Turn[] = [];
let writing: AbortController | null = null;

export function isWriting(): boolean {
  return writing !== null;
}

export function stop(): void {
  writing?.abort();
}

export function forget(): void {
  stop();
  turns = [];
  element('log', HTMLOListElement).replaceChildren();
  element('rate', HTMLElement).textContent = '';
}

/** Asks a question, and writes the answer below it. Where there is none, the question goes back to where it was typed. */
export async function ask(question: string): Promise<void> {
  for (const note of document.querySelectorAll('.message.failed')) note.remove();
  const item = append('user');
  item.textContent = question;
  const asked = { role: 'user', content: question, item } as const;
  turns.push(asked);
  if ((await answer()) || !turns.includes(asked)) return;
  turns.pop();
  item.remove();
  const box = element('question', HTMLTextAreaElement);
  box.value = box.value === '' ? question : `${question}\n${box.value}`;
}

/** Writes another answer to the last question; the one before stays where there is none. */
export async function regenerate(): Promise<void> {
  const last = turns.at(-1);
  if (writing !== null || last?.role !== 'assistant') return;
  turns.pop();
  last.item.hidden = true;
  const question = turns.at(-1);
  if (await answer()) last.item.remove();
  else if (question !== undefined && turns.includes(question)) {
    turns.push(last);
    last.item.hidden = false;
    addTools(last.item, () => last.content);
  }
}

/** @returns whether there is an answer, if only a part of one */
async function answer(): Promise<boolean> {
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
  let total = 0;
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
  let failure: unknown = null;
  try {
    const before: Message[] = system === '' ? [] : [{ role: 'system', content: system }];
    const messages = [...before, ...turns.map(({ role, content }) => ({ role, content }))];
    for await (const piece of streamChat(
      { model: modelName(), messages, ...request },
      key,
      controller.signal,
    )) {
      last = performance.now();
      if (tokens === 0) first = last;
      text += piece.text;
      tokens = piece.tokens ?? tokens + 1;
      total = piece.total ?? total;
      if (!drawn) requestAnimationFrame(draw);
      drawn = true;
    }
  } catch (error) {
    if (!controller.signal.aborted) failure = error;
  }
  if (writing === controller) writing = null;
  draw();
  item.classList.remove('writing');
  refresh();
  const answered = text !== '' && item.isConnected;
  if (answered) {
    turns.push({ role: 'assistant', content: text, item });
    addTools(item, () => text);
  } else item.remove();
  if (failure !== null) fail(failure);
  else if (total > 0 && total === contextLength()) full('The context is full: the answer ends here.');
  return answered;
}

function fail(error: unknown): void {
  if (error instanceof ServerError && error.status === 401) askForKey();
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ServerError && error.code === 'context_length_exceeded') full(message);
  else append('failed').textContent = message;
}

/** A conversation that has no room left goes on without its beginning, or a new one begins. */
function full(message: string): void {
  const note = append('failed');
  note.textContent = `${message} `;
  const offer = (text: string, act: () => void) => {
    const button = make('button', { text });
    button.type = 'button';
    button.addEventListener('click', () => {
      act();
      note.remove();
      // What could not be asked is in the box again.
      element('ask', HTMLFormElement).requestSubmit();
    });
    note.append(button);
  };
  // Without the question that waits for its answer there are pairs.
  if (turns.length > 1) {
    offer('Forget the oldest turns', dropOldest);
    offer('Start anew', forget);
  }
  note.scrollIntoView({ block: 'end' });
}

/** Half of the questions with their answers, at least one. */
function dropOldest(): void {
  const pairs = Math.ceil(turns.length / 4);
  for (const { item } of turns.splice(0, 2 * pairs)) item.remove();
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
  element('rate', HTMLElement).textContent = tokens > 0 ? `${counted(tokens, 'token')} · ${rate}${wait}` : '';
}

function atEnd(): boolean {
  const talk = element('talk', HTMLElement);
  return talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
}

/** The button says what it does now. */
function refresh(): void {
  element('send', HTMLButtonElement).textContent = writing === null ? 'Send' : 'Stop';
}
