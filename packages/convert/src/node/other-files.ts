// The files of a checkpoint besides its weights: config.json with the block that says how it is quantized, and the others
// (tokenizer, generation config, chat template, model card, licence) as they are.
import { type Checkpoint, type FileSet, partFileName } from '@moeq/loader';
import { MoeqError } from '@moeq/tensors';
import type { ConversionPlan } from '../plan.js';

/** Text that goes with a model; weights, archives and hidden files do not. */
const companions =
  /^(?!\.)(?!.*\.index\.json$).*\.(json|jsonl|txt|model|tiktoken|jinja|md|py)$|^(LICENSE|NOTICE)\b/i;

/** Chat templates besides the default one, each in a file. */
export const templatesFolder = 'additional_chat_templates';

/** Whether a file goes with a model as it is: neither weights nor what a conversion writes itself. */
function isCompanion(name: string): boolean {
  return name !== 'config.json' && name !== partFileName && companions.test(name);
}

/** The largest tokenizers are below 40 MB. */
const maxCompanionBytes = 256 * 2 ** 20;

/** Names and bytes of all but config.json and the weights. @throws MoeqError for a file that is too large to be text */
export async function* otherFiles(files: FileSet): AsyncGenerator<readonly [name: string, data: Uint8Array]> {
  const templates = (await files.list(templatesFolder)).filter((name) => name.endsWith('.jinja'));
  const own = (await files.list()).filter(isCompanion);
  for (const name of [...own, ...templates.map((file) => `${templatesFolder}/${file}`)]) {
    const data = await readWhole(files, name);
    if (data !== null) yield [name, data];
  }
}

/** config.json with `quantization_config` at its end, all else in the very text that it had. */
export async function configText(checkpoint: Checkpoint, { config: block }: ConversionPlan): Promise<string> {
  const data = await readWhole(checkpoint.files, 'config.json');
  const text = new TextDecoder().decode(data ?? new Uint8Array());
  if (block === null) return text;
  const { config } = checkpoint;
  const whole = { ...config, quantization_config: block };
  const names = Object.keys(config);
  if (names.length === 0 || names.includes('quantization_config')) return `${pythonJson(whole)}\n`;
  const beginning = text.trimEnd().slice(0, -1).trimEnd();
  const inserted = JSON.stringify(block, null, 2).replaceAll('\n', '\n  ');
  return `${beginning},\n  "quantization_config": ${inserted}\n}\n`;
}

/** JSON as Python's json module writes it: numbers that are not finite by name. */
function pythonJson(value: unknown): string {
  const plain = JSON.stringify(value);
  let mark = 'number:';
  while (plain.includes(mark)) mark += ':';
  const marked = JSON.stringify(
    value,
    (_, each: unknown) => (typeof each === 'number' && !Number.isFinite(each) ? `${mark}${each}` : each),
    2,
  );
  return marked.replace(new RegExp(`"${mark}(NaN|-?Infinity)"`, 'g'), '$1');
}

async function readWhole(files: FileSet, name: string): Promise<Uint8Array | null> {
  const source = await files.open(name);
  if (source === null) return null;
  try {
    if (source.size <= maxCompanionBytes) return await source.read(0, source.size);
    throw new MoeqError({
      operation: 'copy the file',
      subject: source.name,
      expected: `at most ${maxCompanionBytes} bytes`,
      found: `${source.size}`,
    });
  } finally {
    await source.close?.();
  }
}
