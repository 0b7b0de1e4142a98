// One GPU for the tests of a file: this machine's if MOEQ_WEBGPU=native, else SwiftShader, which computes on the CPU.
// Where there is none the tests are skipped with the reason, unless MOEQ_REQUIRE_WEBGPU=1, which makes it an error.
import { swiftshader } from '../../../../scripts/browser.js';
import { dawn } from '../node.js';

const { MOEQ_WEBGPU, MOEQ_REQUIRE_WEBGPU, MOEQ_THOROUGH } = process.env;

/** Run everything: on a GPU, which is fast, or where MOEQ_THOROUGH=1 says that there is time. */
export const isThorough = MOEQ_WEBGPU === 'native' || MOEQ_THOROUGH === '1';

export interface TestGpu {
  readonly gpu: GPU | null;
  /** Why there is none. */
  readonly reason: string;
}

async function openGpu(): Promise<TestGpu> {
  try {
    if (MOEQ_WEBGPU !== 'native') swiftshader();
    const gpu = await dawn();
    const adapter = await gpu.requestAdapter();
    if (adapter === null) return { gpu: null, reason: 'Dawn finds no WebGPU adapter' };
    return { gpu, reason: '' };
  } catch (error) {
    return { gpu: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws Error where a GPU is required and there is none */
export async function testGpu(): Promise<TestGpu> {
  const found = await openGpu();
  if (found.gpu === null && MOEQ_REQUIRE_WEBGPU === '1') {
    throw new Error(`MOEQ_REQUIRE_WEBGPU=1, and there is no WebGPU: ${found.reason}`);
  }
  return found;
}
