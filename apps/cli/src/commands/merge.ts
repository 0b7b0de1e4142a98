// moeq merge: the parts of one conversion as the checkpoint that they are parts of.
import type { QuantizeReport } from '@moeq/convert';
import { mergeParts } from '@moeq/convert/node';
import { Command } from 'commander';
import type { Io } from '../io.js';
import { progressBar } from '../progress.js';
import { printReport } from '../role-table.js';

interface Options {
  readonly out: string;
  readonly overwrite?: true;
  readonly json?: true;
}

const help = `
Example:
  moeq quantize ./Mixtral-8x7B --out ./part-1 --shard 1/2     on one machine
  moeq quantize ./Mixtral-8x7B --out ./part-2 --shard 2/2     on another
  moeq merge ./part-1 ./part-2 --out ./mixtral-nf4`;

export function merge(io: Io): Command {
  return new Command('merge')
    .summary('make one checkpoint of the parts of quantize --shard')
    .description(
      'Makes one checkpoint of the parts that moeq quantize --shard has written, and reports on the whole.',
    )
    .argument('<dir...>', 'the folders of all parts')
    .requiredOption('-o, --out <dir>', 'folder to write, absent or empty')
    .option('--overwrite', 'replace a checkpoint that is in the folder')
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', help)
    .action(async (parts: readonly string[], { out, overwrite, json }: Options) => {
      const progress = progressBar(io, 'merging');
      let report: QuantizeReport;
      try {
        report = await mergeParts({
          parts,
          out,
          overwrite: overwrite === true,
          signal: io.signal,
          onProgress: ({ bytesDone, bytesTotal, tensor }) => progress.update(bytesDone, bytesTotal, tensor),
        });
      } finally {
        progress.stop();
      }
      printReport(io, report, json === true);
    });
}
