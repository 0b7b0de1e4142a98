// WebGPU, measured: how far it is from transformers and from the reference backend, what a token costs in dispatches,
// submissions and bytes, and how fast its kernels are beside the memory of the device. Prints tables in markdown.
//
//   node webgpu/main.ts [--software] [--only roofline,counts,rates,reference,transformers] [--weights bfloat16,nf4] [--out FILE]
//
// --software computes on SwiftShader, from npm (Linux, x64), where there is no GPU; its rates are those of a CPU.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isSoftwareAdapter } from '@moeq/webgpu';
import { dawn, webgpuBackend } from '@moeq/webgpu/node';
import { swiftshader } from '../../scripts/browser.ts';
import { referenceTable, transformersTable } from './agreement.ts';
import { countTable } from './count-table.ts';
import { rateTable, rooflineTables } from './rate-tables.ts';

const sections = ['roofline', 'counts', 'rates', 'reference', 'transformers'] as const;

const { values } = parseArgs({
  options: {
    software: { type: 'boolean', default: false },
    only: { type: 'string', default: sections.join() },
    weights: { type: 'string', default: 'bfloat16,nf4' },
    out: { type: 'string' },
  },
});
const wanted = values.only.split(',');
const unknown = wanted.find((name) => !sections.some((section) => section === name));
if (unknown !== undefined) throw new Error(`--only takes ${sections.join(', ')}; found ${unknown}`);

const lines: string[] = [];
const print = (text: string): void => {
  console.log(text);
  lines.push(text);
};

if (values.software) swiftshader();
const gpu = await dawn();
const adapter = await gpu.requestAdapter();
if (adapter === null) throw new Error('no adapter; --software computes on SwiftShader');
const software = isSoftwareAdapter(adapter.info);
const backend = await webgpuBackend({ gpu });
print(`${new Date().toISOString().slice(0, 10)}, ${backend.description}, Node ${process.versions.node}\n`);

try {
  if (wanted.includes('roofline')) print(rooflineTables());
  if (wanted.includes('counts')) print(await countTable(backend));
  if (wanted.includes('rates')) print(await rateTable(gpu, adapter, software));
  if (wanted.includes('reference')) print(await referenceTable(backend, values.weights.split(',')));
  if (wanted.includes('transformers')) print(await transformersTable(backend));
} finally {
  await backend.destroy();
  if (values.out !== undefined) await writeFile(values.out, `${lines.join('\n')}\n`);
}
