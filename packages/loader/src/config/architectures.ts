// The architectures that this loader knows.
import { MoeqError, quote } from '@moeq/tensors';
import { afmoe } from '../architectures/afmoe.js';
import { aria, ariaText } from '../architectures/aria.js';
import { axk1 } from '../architectures/axk1.js';
import { cohere2Moe } from '../architectures/cohere2-moe.js';
import { dbrx } from '../architectures/dbrx.js';
import { deepseekV2 } from '../architectures/deepseek-v2.js';
import { deepseekV3 } from '../architectures/deepseek-v3.js';
import { deepseekV32 } from '../architectures/deepseek-v32.js';
import { dots1 } from '../architectures/dots1.js';
import { ernie45Moe } from '../architectures/ernie4-5-moe.js';
import { exaoneMoe } from '../architectures/exaone-moe.js';
import { flexOlmo } from '../architectures/flex-olmo.js';
import { gemma3, gemma3Text } from '../architectures/gemma3.js';
import { gemma4, gemma4Text } from '../architectures/gemma4.js';
import { glmMoeDsa } from '../architectures/glm-moe-dsa.js';
import { glm4Moe } from '../architectures/glm4-moe.js';
import { glm4MoeLite } from '../architectures/glm4-moe-lite.js';
import { glm4vMoe } from '../architectures/glm4v-moe.js';
import { gptOss } from '../architectures/gpt-oss.js';
import { granite } from '../architectures/granite.js';
import { graniteMoe } from '../architectures/granitemoe.js';
import { graniteMoeSwa } from '../architectures/granitemoe-swa.js';
import { graniteMoeHybrid } from '../architectures/granitemoehybrid.js';
import { hunyuanV1Moe } from '../architectures/hunyuan-v1-moe.js';
import { hyV3 } from '../architectures/hy-v3.js';
import { jamba } from '../architectures/jamba.js';
import { kimiK25 } from '../architectures/kimi-k25.js';
import { kimiLinear } from '../architectures/kimi-linear.js';
import { laguna } from '../architectures/laguna.js';
import { lfm2Moe } from '../architectures/lfm2-moe.js';
import { llama } from '../architectures/llama-dense.js';
import { mellum } from '../architectures/mellum.js';
import { mimoV2Flash } from '../architectures/mimo-v2-flash.js';
import { minimaxM2 } from '../architectures/minimax-m2.js';
import { minimaxM3Vl } from '../architectures/minimax-m3-vl.js';
import { mistral } from '../architectures/mistral.js';
import { mistral3, mistral4 } from '../architectures/mistral4.js';
import { mixtral } from '../architectures/mixtral.js';
import { nemotronH } from '../architectures/nemotron-h.js';
import { olmoe } from '../architectures/olmoe.js';
import { phimoe } from '../architectures/phimoe.js';
import { qwen2 } from '../architectures/qwen2.js';
import { qwen2Moe } from '../architectures/qwen2-moe.js';
import { qwen3 } from '../architectures/qwen3.js';
import { qwen35Moe, qwen35MoeText } from '../architectures/qwen3-5-moe.js';
import { qwen3Moe } from '../architectures/qwen3-moe.js';
import { qwen3Next } from '../architectures/qwen3-next.js';
import { qwen3OmniMoe, qwen3OmniMoeThinker } from '../architectures/qwen3-omni-moe.js';
import { qwen3VlMoe } from '../architectures/qwen3-vl-moe.js';
import { smollm3 } from '../architectures/smollm3.js';
import { solarOpen } from '../architectures/solar-open.js';
import { step3p5, step3p7 } from '../architectures/step3p7.js';
import type { Architecture } from './architecture.js';

export const architectures: readonly Architecture[] = [
  mixtral,
  qwen2Moe,
  qwen3Moe,
  olmoe,
  graniteMoe,
  graniteMoeSwa,
  lfm2Moe,
  glm4Moe,
  minimaxM2,
  solarOpen,
  dots1,
  exaoneMoe,
  hyV3,
  flexOlmo,
  cohere2Moe,
  glm4vMoe,
  ernie45Moe,
  deepseekV2,
  deepseekV3,
  glm4MoeLite,
  kimiK25,
  kimiLinear,
  graniteMoeHybrid,
  nemotronH,
  jamba,
  qwen3OmniMoe,
  qwen3OmniMoeThinker,
  gptOss,
  qwen3Next,
  qwen35MoeText,
  qwen35Moe,
  gemma4Text,
  gemma4,
  mellum,
  qwen3VlMoe,
  afmoe,
  laguna,
  ariaText,
  aria,
  axk1,
  mimoV2Flash,
  step3p5,
  step3p7,
  deepseekV32,
  glmMoeDsa,
  minimaxM3Vl,
  phimoe,
  hunyuanV1Moe,
  mistral4,
  mistral3,
  dbrx,
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma3Text,
  gemma3,
  smollm3,
  granite,
];

/** Types that a message lists: those that begin as the one that is not known, then the first. */
const MOST_LISTED = 24;

const ofType = (modelType: unknown) =>
  architectures.find(({ modelTypes }) => modelTypes.some((known) => known === modelType));

export function isKnownModelType({ model_type: modelType }: Readonly<Record<string, unknown>>): boolean {
  return ofType(modelType) !== undefined;
}

/**
 * The architecture of a config.json, by its `model_type`.
 * @param file name of the config, for the message
 * @throws MoeqError that lists known ones
 */
export function findArchitecture(config: Readonly<Record<string, unknown>>, file: string): Architecture {
  const { model_type: modelType } = config;
  const found = ofType(modelType);
  if (found !== undefined) return found;
  throw unknownArchitecture(config, file);
}

/** The error of a model type that is not known, with a list of those that are. */
export function unknownArchitecture(config: Readonly<Record<string, unknown>>, file: string): MoeqError {
  const { model_type: modelType } = config;
  // the language models within composites have names of their own, left out of the list
  const types = architectures
    .flatMap(({ modelTypes }) => modelTypes)
    .filter((type) => !/_(text|thinker)$/.test(type));
  const family = typeof modelType === 'string' ? modelType.slice(0, 4) : '';
  const near = types.filter((type) => family.length === 4 && type.startsWith(family));
  const listed = [...new Set([...near, ...types])].slice(0, MOST_LISTED);
  const rest = types.length - listed.length;
  const known = `${listed.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  return new MoeqError({
    code: 'unknownArchitecture',
    operation: 'recognise the architecture',
    subject: file,
    expected: `model_type to be one of ${known}`,
    found: modelType === undefined ? 'no model_type' : quote(modelType),
  });
}
