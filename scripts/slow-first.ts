// The order of test files: those that take longest first, so that no worker is left with one of them in the end.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of half a minute and more where nothing else runs. */
const slow =
  /webgpu\/src\/(conformance|chromium)|wasm\/src\/(wasm-backend|chromium)|src\/integration\/|scripts\/packed|src\/(kill|malformed|interrupted|page|webgpu)\.|browser\/page|agreement|llama-cpp|caches\/cut|cli\/src\/architectures/;

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => slow.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
