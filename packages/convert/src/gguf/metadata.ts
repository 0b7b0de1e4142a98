// The metadata of a GGUF file: what llama.cpp needs to know of the model, its tokenizer, and what the file is.
import { type Checkpoint, ggufDecoderMetadata, ggufTokenizerMetadata } from '@moeq/loader';
import type { GgufMetadata, GgufType, GgufValue } from '@moeq/tensors';

/** `GGML_QNT_VERSION` */
const quantizationVersion = 2;

/** `enum llama_ftype`, of the type that most weights have. */
const fileTypes: Readonly<Record<string, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q8_0: 7,
  IQ4_NL: 25,
  BF16: 32,
  MXFP4: 38,
};

/**
 * @param experts type of the experts
 * @throws MoeqError when llama.cpp cannot express the model or its tokenizer
 */
export async function ggufMetadata(checkpoint: Checkpoint, experts: GgufType): Promise<GgufMetadata> {
  const { decoder, files, name } = checkpoint;
  const text = (value: string): GgufValue => ({ type: 'string', value });
  return new Map<string, GgufValue>([
    ...ggufDecoderMetadata(decoder, name),
    ['general.type', text('model')],
    ['general.name', text(name.split(/[\\/]/).findLast((part) => part !== '') ?? name)],
    ['general.file_type', { type: 'u32', value: fileTypes[experts.name] ?? 0 }],
    ['general.quantization_version', { type: 'u32', value: quantizationVersion }],
    ...(await ggufTokenizerMetadata(files, decoder.vocabularySize)),
  ]);
}
