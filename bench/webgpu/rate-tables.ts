// Bytes and operations of every dispatch with the time that devices need at least, and what was measured.
import { measureBandwidth } from './bandwidth.ts';
import { measuredLength, measureRate } from './rates.ts';
import { devices, layerDispatches, seconds, totalOf } from './roofline.ts';
import { shapes } from './shapes.ts';
import { table } from './table.ts';

export function rooflineTables(): string {
  const tables = shapes.flatMap((shape) => {
    const dispatches = layerDispatches(shape, measuredLength);
    const rows = [...dispatches, totalOf(dispatches)].map((dispatch) => [
      dispatch.name,
      (dispatch.bytes / 1e6).toFixed(3),
      (dispatch.operations / 1e6).toFixed(2),
      (dispatch.operations / dispatch.bytes).toFixed(1),
      ...devices.map((device) => (1e6 * seconds(dispatch, device)).toFixed(2)),
    ]);
    const titles = devices.map(
      ({ name, gigabytesPerSecond }) => `µs at least, ${name} (${gigabytesPerSecond} GB/s)`,
    );
    return [
      `### ${shape.name}\n`,
      table(['dispatch', 'MB read', 'million operations', 'operations a byte', ...titles], rows),
      '',
    ];
  });
  return [
    '## On paper: one layer, one token\n',
    `Experts nf4 with double quantization, all else bfloat16, ${measuredLength} keys of float32 in the cache.\n`,
    ...tables,
  ].join('\n');
}

/** Shapes that a software adapter gets through in seconds. */
const softwareShapes = 1;

export async function rateTable(gpu: GPU, adapter: GPUAdapter, software: boolean): Promise<string> {
  const bandwidth = await measureBandwidth(adapter, software);
  const rows = [];
  for (const shape of software ? shapes.slice(0, softwareShapes) : shapes) {
    const rate = await measureRate(shape, { gpu }, software);
    const { tokensPerSecond, gigabytesPerSecond, dispatchesPerLayer, compileSeconds } = rate;
    rows.push([
      shape.name,
      shape.layers,
      dispatchesPerLayer.toFixed(2),
      compileSeconds.toFixed(1),
      tokensPerSecond.toFixed(1),
      gigabytesPerSecond.toFixed(2),
      `${((100 * gigabytesPerSecond) / bandwidth.copy).toFixed(0)} %`,
      `${((100 * gigabytesPerSecond) / bandwidth.read).toFixed(0)} %`,
    ]);
  }
  return [
    '## Decoding through random layers\n',
    `The device copies ${bandwidth.copy.toFixed(1)} GB/s (read and written) and reads ${bandwidth.read.toFixed(1)} GB/s.`,
    'Times are of whole steps, the read of the result included; medians.\n',
    table(
      [
        'shape',
        'layers',
        'dispatches a layer',
        's to compile',
        'tokens/s',
        'GB/s of weights and cache',
        'of copying',
        'of reading',
      ],
      rows,
    ),
    '',
  ].join('\n');
}
