// Content of messages as clients of other interfaces write it: parts of OpenAI's Responses and of Anthropic's Messages.
import { type Fields, isFields, type Note } from './tolerated-fields.js';

const texts: readonly unknown[] = ['input_text', 'output_text', undefined];
const thoughts: readonly unknown[] = ['thinking', 'reasoning', 'redacted_thinking'];

/** Content as a text or text parts; what a model has thought beside it, where the template finds it. */
export function toleratedContent(message: Fields, note: Note): Fields {
  const { content, role } = message;
  if ((content === null || content === undefined) && (role === 'tool' || role === 'function')) {
    note('messages[].content', 'absent, is read as an empty text');
    return { ...message, content: '' };
  }
  if (!Array.isArray(content)) return message;
  const thought: string[] = [];
  const parts: unknown[] = [];
  for (const part of content as unknown[]) {
    if (isFields(part) && thoughts.includes(part.type)) {
      thought.push(thoughtOf(part));
      note('messages[].content[]', `a part of type ${String(part.type)} is no content`);
    } else parts.push(textPart(part, note));
  }
  if (parts.length === content.length && parts.every((part, index) => part === content[index]))
    return message;
  const reasoning = thought.filter((text) => text !== '').join('\n');
  const given = message.reasoning_content ?? message.reasoning;
  const hasPlace = role === 'assistant' && reasoning !== '' && (given === undefined || given === null);
  const spoken = role === 'assistant' && parts.length === 0 ? null : parts;
  return { ...message, content: spoken, ...(hasPlace && { reasoning_content: reasoning }) };
}

function textPart(part: unknown, note: Note): unknown {
  if (typeof part === 'string') {
    note('messages[].content[]', 'a text is read as a part of type text');
    return { type: 'text', text: part };
  }
  if (!isFields(part) || !texts.includes(part.type) || typeof part.text !== 'string') return part;
  note(
    'messages[].content[]',
    `a part ${part.type === undefined ? 'without a type' : `of type ${String(part.type)}`} is read as text`,
  );
  return { ...part, type: 'text' };
}

/** The text of a thought: `thinking`, `text`, `reasoning`, or the parts of a summary or content. */
function thoughtOf(part: Fields): string {
  for (const name of ['thinking', 'text', 'reasoning']) {
    const value = part[name];
    if (typeof value === 'string') return value;
  }
  const lists = [part.summary, part.content].flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  return lists
    .flatMap((each) => (isFields(each) && typeof each.text === 'string' ? [each.text] : []))
    .join('\n');
}
