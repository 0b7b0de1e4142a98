// The chat templates of a checkpoint, as transformers finds them (tokenization_utils_base.py): chat_template.jinja and
// additional_chat_templates/*.jinja before the field of tokenizer_config.json, one text or several with names; and after
// both chat_template.json, where processors kept theirs. What is wrong with one of them is said when a chat is formatted.
import type { ChatOptions, ModelSource } from '@moeq/runtime';
import { isObject, MoeqError, quote } from '@moeq/tensors';
import type { FileSet } from '../files/file-set.js';
import { inSet, maxConfigBytes, readJsonObject, readText } from '../files/json.js';
import { type ChatFormatter, chatFormatter, templateNames } from './chat-formatter.js';

const templateName = 'chat_template.jinja';
const additional = 'additional_chat_templates';
const configName = 'tokenizer_config.json';
const processorName = 'chat_template.json';

type Json = Readonly<Record<string, unknown>>;

interface TemplateText {
  readonly text: string;
  readonly file: string;
}

/** By name; one alone is called `default`. */
type Templates = ReadonlyMap<string, TemplateText>;

export interface ChatFormat {
  /** Throws where there is a template that cannot be read. */
  readonly format: NonNullable<ModelSource['formatChat']>;
  /** Names of variables that any of the templates mentions; null where one of them cannot be read. */
  names(): ReadonlySet<string> | null;
}

/**
 * @param config tokenizer_config.json
 * @param special special_tokens_map.json, which says less than `config`
 * @returns null where there is no template
 * @throws MoeqError for a file or field that cannot be read
 */
export async function readChatFormat(
  files: FileSet,
  config: Json,
  special: Json,
): Promise<ChatFormat | null> {
  const templates = await chatTemplates(files, config);
  if (templates.size === 0) return null;
  const tokens = specialTokens({ ...special, ...config });
  const formatters = new Map<string, ChatFormatter>();
  return {
    format(messages, options = {}) {
      const name = chosen(templates, options, files.name);
      const { text, file } = templates.get(name) ?? { text: '', file: '' };
      const format = formatters.get(name) ?? chatFormatter(text, tokens, file);
      formatters.set(name, format);
      return format(messages, options);
    },
    names: () => templateNames([...templates.values()].map(({ text }) => text)),
  };
}

function chosen(templates: Templates, { template, tools }: ChatOptions, subject: string): string {
  const wanted = template ?? (tools !== undefined && templates.has('tool_use') ? 'tool_use' : 'default');
  if (templates.has(wanted)) return wanted;
  throw new MoeqError({
    operation: 'choose the chat template',
    subject,
    expected: `one of ${[...templates.keys()].map((name) => quote(name)).join(', ')}`,
    found: quote(wanted),
  });
}

async function chatTemplates(files: FileSet, config: Json): Promise<Templates> {
  const own = await jinjaFiles(files);
  if (own.size > 0) return own;
  const { chat_template: field } = config;
  if (field !== undefined && field !== null) return fromField(field, inSet(files, configName));
  const { chat_template: processor } = (await readJsonObject(files, processorName, maxConfigBytes)) ?? {};
  if (processor !== undefined && processor !== null) return fromField(processor, inSet(files, processorName));
  return new Map();
}

async function jinjaFiles(files: FileSet): Promise<Templates> {
  const found = new Map<string, TemplateText>();
  const add = async (name: string, file: string) => {
    const text = await readText(files, file, maxConfigBytes);
    if (text !== null) found.set(name, { text, file: inSet(files, file) });
  };
  await add('default', templateName);
  for (const file of await files.list(additional)) {
    if (file.endsWith('.jinja')) await add(file.slice(0, -'.jinja'.length), `${additional}/${file}`);
  }
  return found;
}

/** One text, a list of `{ name, template }`, or an object of texts by name. */
function fromField(field: unknown, file: string): Templates {
  const entries: readonly unknown[] = Array.isArray(field)
    ? field
    : Object.entries(isObject(field) ? field : { default: field }).map(([name, template]) => ({
        name,
        template,
      }));
  const templates = new Map<string, TemplateText>();
  for (const entry of entries) {
    const { name, template: text }: Json = isObject(entry) ? entry : {};
    if (typeof name !== 'string' || typeof text !== 'string') throw wrongField(field, file);
    templates.set(name, { text, file });
  }
  if (templates.size === 0) throw wrongField(field, file);
  return templates;
}

function wrongField(field: unknown, file: string): MoeqError {
  return new MoeqError({
    operation: 'read the chat template',
    subject: file,
    expected: 'chat_template to be a text, or texts with names',
    found: quote(field),
  });
}

/** bos_token and its kind; a token stands as text, or as an object with its text as `content`. */
function specialTokens(config: Json): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    const { content } = isObject(value) ? value : { content: value };
    if (name.endsWith('_token') && typeof content === 'string') tokens[name] = content;
  }
  return tokens;
}
