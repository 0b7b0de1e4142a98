import { writeFile } from 'node:fs/promises';
import { library } from '../../tsup.base.ts';

const generated = new URL('src/generated/worker-script.ts', import.meta.url);

/** The worker is the embedded script as a file: it imports nothing, so it can be served from anywhere. */
export default {
  ...library('src/index.ts'),
  async onSuccess() {
    const { workerScript } = (await import(generated.href)) as { readonly workerScript: string };
    await writeFile(new URL('dist/worker.js', import.meta.url), `${workerScript}\n`);
  },
};
