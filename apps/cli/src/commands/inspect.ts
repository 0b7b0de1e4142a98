// moeq inspect: what a checkpoint is made of, tensor by tensor and role by role, without reading a weight.
import { describeCheckpoint } from '@moeq/convert';
import { openCheckpoint, proposeRoles } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { isMoeqError, MoeqError } from '@moeq/tensors';
import { Command } from 'commander';
import { inspectTable } from '../inspect-table.js';
import { type Io, note, printJson } from '../io.js';
import { allowLinks } from '../options.js';
import { writeRoles } from '../roles-file.js';
import { proposalDocument, proposalTable } from '../roles-table.js';

interface Options {
  readonly allowLinks?: true;
  readonly tensors?: true;
  readonly json?: true;
  readonly proposeRoles?: string;
}

const help = `
Examples:
  moeq inspect                        the roles of tiny-moe
  moeq inspect ./mixtral-nf4 --tensors
  moeq inspect ./mixtral-nf4 --json | jq .bitsPerWeight
  moeq inspect ./mine --propose-roles roles.json

Of a model type that moeq does not know it shows which role each tensor seems to have, by shapes and names,
and --propose-roles writes that to a file. Read it, mend it, and quantize with --roles FILE.`;

export function inspect(io: Io): Command {
  return new Command('inspect')
    .summary('show what a checkpoint is made of')
    .description('Shows the architecture of a checkpoint, and its parameters, bits and bytes by role.')
    .argument('[model]', 'a folder, a .gguf file, the URL of either, hf:org/name, or tiny-moe', 'tiny-moe')
    .option('--tensors', 'list every tensor')
    .addOption(allowLinks())
    .option('--json', 'print one JSON document instead of the table')
    .option('--propose-roles <file>', 'of a model type that is not known: write the proposed roles here')
    .addHelpText('after', help)
    .action(async (model: string, { tensors, json, allowLinks, proposeRoles: path }: Options) => {
      const files = await resolveModel(model, { allowLinks: allowLinks === true });
      const checkpoint = await openCheckpoint(files).catch(async (error: unknown) => {
        const proposal = isMoeqError(error, 'unknownArchitecture') ? await proposeRoles(files) : null;
        if (proposal === null) throw error;
        return proposal;
      });
      if ('proposed' in checkpoint) {
        if (path !== undefined) await writeRoles(path, checkpoint);
        if (json === true) printJson(io, proposalDocument(checkpoint));
        else io.stdout.write(proposalTable(checkpoint, io.stdout));
        if (path !== undefined) note(io, `wrote ${path}: read it, and quantize with --roles ${path}`);
        return;
      }
      try {
        if (path !== undefined) throw rolesKnown(model);
        const summary = describeCheckpoint(checkpoint);
        if (json === true) printJson(io, summary);
        else io.stdout.write(inspectTable(summary, { tensors: tensors === true }, io.stdout));
      } finally {
        await checkpoint.close();
      }
    });
}

function rolesKnown(model: string): MoeqError {
  return new MoeqError({
    operation: 'propose roles',
    subject: model,
    expected: 'a model type that is not known; the roles of this one are',
    found: '--propose-roles',
  });
}
