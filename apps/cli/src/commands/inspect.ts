// moeq inspect: what a checkpoint is made of, tensor by tensor and role by role, without reading a weight.
import { describeCheckpoint } from '@moeq/convert';
import { openCheckpoint } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { Command } from 'commander';
import { inspectTable } from '../inspect-table.js';
import { type Io, printJson } from '../io.js';
import { allowLinks } from '../options.js';

interface Options {
  readonly allowLinks?: true;
  readonly tensors?: true;
  readonly json?: true;
}

const help = `
Examples:
  moeq inspect                        the roles of tiny-moe
  moeq inspect ./mixtral-nf4 --tensors
  moeq inspect ./mixtral-nf4 --json | jq .bitsPerWeight`;

export function inspect(io: Io): Command {
  return new Command('inspect')
    .summary('show what a checkpoint is made of')
    .description('Shows the architecture of a checkpoint, and its parameters, bits and bytes by role.')
    .argument('[model]', 'a folder, a .gguf file, the URL of either, hf:org/name, or tiny-moe', 'tiny-moe')
    .option('--tensors', 'list every tensor')
    .addOption(allowLinks())
    .option('--json', 'print one JSON document instead of the table')
    .addHelpText('after', help)
    .action(async (model: string, { tensors, json, allowLinks }: Options) => {
      const checkpoint = await openCheckpoint(await resolveModel(model, { allowLinks: allowLinks === true }));
      try {
        const summary = describeCheckpoint(checkpoint);
        if (json === true) printJson(io, summary);
        else io.stdout.write(inspectTable(summary, { tensors: tensors === true }, io.stdout));
      } finally {
        await checkpoint.close();
      }
    });
}
