// The architectures of GGUF, and which of them a file has.
import { MoeqError, quote } from '@moeq/tensors';
import type { GgufArchitecture, GgufReader } from './architecture.js';
import { deepseekV2, deepseekV3 } from './families/deepseek2.js';
import { dots1 } from './families/dots1.js';
import { ernie45Moe } from './families/ernie4-5-moe.js';
import { glm4Moe } from './families/glm4-moe.js';
import { gptOss } from './families/gpt-oss.js';
import { graniteMoe } from './families/granite-moe.js';
import { lfm2Moe } from './families/lfm2-moe.js';
import { llama } from './families/llama.js';
import { minimaxM2 } from './families/minimax-m2.js';
import { olmoe } from './families/olmoe.js';
import { qwen3Next, qwen3NextApart, qwen35Moe } from './families/qwen-delta.js';
import { qwen2Moe, qwen3Moe } from './families/qwen-moe.js';

export const ggufArchitectures: readonly GgufArchitecture[] = [
  llama,
  qwen3Moe,
  qwen2Moe,
  gptOss,
  deepseekV3,
  deepseekV2,
  glm4Moe,
  qwen35Moe,
  qwen3Next,
  qwen3NextApart,
  minimaxM2,
  lfm2Moe,
  graniteMoe,
  ernie45Moe,
  dots1,
  olmoe,
];

/** `model_type` in the config.json of those that can be written as GGUF. */
export const ggufModelTypes: readonly string[] = [
  ...new Set(ggufArchitectures.flatMap(({ modelType, alsoWritten = [] }) => [modelType, ...alsoWritten])),
];

/**
 * The architecture of a file's metadata.
 * @param name `general.architecture`; null where the file has none
 * @param readerOf reads the metadata of an architecture
 * @param file names it in messages
 * @throws MoeqError for one that is not known, or a model without experts
 */
export function findGgufArchitecture(
  name: string | null,
  readerOf: (architecture: GgufArchitecture) => GgufReader,
  file: string,
): GgufArchitecture {
  const own = ggufArchitectures.filter((known) => known.name === name);
  const architecture = own.find((one) => one.matches?.(readerOf(one)) ?? true);
  const fail = (found: string): never => {
    const known = ggufArchitectures.map((one) => `${one.name} (${one.modelType})`).join(', ');
    throw new MoeqError({
      operation: 'recognise the architecture',
      subject: file,
      expected: `general.architecture to be one of ${known}`,
      found,
    });
  };
  if (architecture === undefined) return fail(name === null ? 'none' : quote(name));
  if (readerOf(architecture).number('expert_count') === null) fail(`${architecture.name} without experts`);
  return architecture;
}
