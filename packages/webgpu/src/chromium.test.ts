// The suite of every backend in Chromium, on SwiftShader: the same shaders as under Dawn in Node, through a browser.
import { fileURLToPath } from 'node:url';
import { testInChromium } from '../../../scripts/in-chromium/test-in-chromium.ts';
import { isThorough } from './testkit/gpu.js';

/** One case or two for each kind of kernel, and all that has to do with steps, reads and errors. */
const some = new RegExp(
  [
    '^SwiftShader',
    '^(embed|norm|add|read|step|backend|error)',
    '^linear: (bias|F32$)',
    '^attention: grouped queries',
    '^route: (softmax, normalized|a correction bias)',
    '^mlp: silu',
    '^experts: (all tokens on the same|a crowd|scale F16)',
    '^model',
  ].join('|'),
);

await testInChromium('webgpu in Chromium', {
  entry: fileURLToPath(new URL('testkit/page.ts', import.meta.url)),
  lacks: async () => ((await navigator.gpu?.requestAdapter()) ? null : 'Chromium finds no WebGPU adapter'),
  skip: (name) =>
    isThorough || some.test(name)
      ? null
      : 'runs under Dawn in conformance.test.ts; here with MOEQ_THOROUGH=1',
});
