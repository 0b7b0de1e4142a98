// What a token of each model costs, as a table.
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelUrl } from '@moeq/tiny-moe';
import type { WebGpuBackend } from '@moeq/webgpu';
import { firstGolden } from '../agreement/reference.ts';
import { countSteps } from './counts.ts';
import { table } from './table.ts';

export async function countTable(backend: WebGpuBackend): Promise<string> {
  const tinyMoe = fileURLToPath(modelUrl);
  const models: [name: string, model: string, recipe?: string][] = [
    ['tiny-moe, bfloat16', tinyMoe],
    ['tiny-moe, nf4', tinyMoe, 'nf4'],
    ...firstGolden.map((folder): [string, string] => [basename(folder), folder]),
  ];
  const rows = [];
  for (const [name, model, recipe] of models) {
    const { layers, vocabularySize, decode, prefill } = await countSteps(backend, name, model, recipe);
    const perLayer = (dispatches: number): string => ((dispatches - outsideLayers) / layers).toFixed(2);
    rows.push([
      name,
      layers,
      decode.dispatches,
      perLayer(decode.dispatches),
      decode.submits,
      `${decode.bytesRead} = 4 · ${vocabularySize} + ${decode.bytesRead - 4 * vocabularySize}`,
      decode.bytesWritten,
      prefill.dispatches,
      perLayer(prefill.dispatches - 1),
      prefill.submits,
    ]);
  }
  return [
    '## Dispatches, submissions, bytes\n',
    'A decoded token, then a prompt of 64 tokens in one step. Beside the layers there are the embedding and the head, and',
    'for a prompt the choice of its last row. What is read back are the logits and the word that says whether all router',
    'logits were finite.\n',
    table(
      [
        'model',
        'layers',
        'dispatches a token',
        'a layer',
        'submissions',
        'bytes read',
        'bytes written',
        'dispatches a prompt',
        'a layer',
        'submissions',
      ],
      rows,
    ),
    '',
  ].join('\n');
}

/** Embedding; last norm and head. */
const outsideLayers = 2;
