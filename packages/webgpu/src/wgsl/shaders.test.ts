// Every kind of shader that the backend assembles goes through Tint, the compiler of Chromium and of Dawn. Dawn's null
// backend computes nothing but compiles everything and has every feature, so this needs no GPU. A few texts are
// snapshots, and hashes of all.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { dawn } from '../node.js';
import { assembledShaders, bfloat16, nf4Double, spec } from '../testkit/assembled-shaders.js';
import { routerKernel } from './router.js';
import type { Shader } from './shader.js';
import { tileKernel } from './tile.js';
import { vectorKernel } from './vector.js';

const gpu = await dawn(['backend=null']);
const adapter = await gpu.requestAdapter();
/** Dawn ends with its GPU object, so that is held too. */
const dawnNull = { gpu, device: await adapter?.requestDevice({ requiredFeatures: ['subgroups'] }) };

/** Messages of the compiler, errors and warnings. */
async function complaints({ label, code }: Shader): Promise<string[]> {
  const { device } = dawnNull;
  if (device === undefined) throw new Error('Dawn has no null backend');
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code });
  const { messages } = await module.getCompilationInfo();
  const refused = await device.popErrorScope();
  return [
    ...messages.map(({ message, lineNum }) => `${label}:${lineNum} ${message}`),
    ...(refused ? [refused.message] : []),
  ];
}

describe('Tint compiles', () => {
  test.each(assembledShaders())('%s', async (_, shaders) => {
    for (const shader of shaders) expect(await complaints(shader)).toEqual([]);
  });
});

test('a change of any text is seen', async () => {
  const lines = assembledShaders().map(([purpose, shaders]) => {
    const text = shaders.map(({ label, code }) => `${label}\n${code}\n`).join('');
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
    return `${hash} ${shaders.length} shaders, ${text.split('\n').length} lines: ${purpose}\n`;
  });
  await expect(lines.join('')).toMatchFileSnapshot('./testdata/shaders.txt');
});

describe('text of', () => {
  const subgroups = true;
  test.each([
    [
      'a normed multiply of one token, bfloat16',
      vectorKernel({ kind: bfloat16, use: 'dense', gated: null, normed: true, tokens: 1, subgroups }),
    ],
    [
      'gate and up of routed experts, nf4',
      vectorKernel({ kind: nf4Double, use: 'slots', gated: 'silu', normed: true, tokens: 1, subgroups }),
    ],
    [
      'the weighted sum of routed experts, nf4, without subgroups',
      vectorKernel({ kind: nf4Double, use: 'sum', gated: null, normed: false, tokens: 1, subgroups: false }),
    ],
    ['a tile of routed experts, nf4', tileKernel({ kind: nf4Double, use: 'slots', gated: 'silu' }, true)],
    ['a router', routerKernel({ kind: bfloat16, spec, hasBias: false, normed: true, subgroups })],
  ])('%s', async (_, { shader }) => {
    await expect(shader.code).toMatchFileSnapshot(
      `./testdata/${shader.label.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.wgsl`,
    );
  });
});
