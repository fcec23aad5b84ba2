// SPDX-License-Identifier: Apache-2.0
// The commands `plinth workspace …` and `plinth run-untrusted`, and their options.

import { type Command, Option } from 'commander';
import type { CreateOptions, RunInOptions } from '../verbs/workspace.js';

export interface CommandContext {
  readonly outcome: { status: number };
  readonly examples: (...lines: readonly string[]) => string;
  readonly appendTo: (value: string, before: readonly string[] | undefined) => string[];
}

export function addWorkspace(program: Command, { outcome, examples, appendTo }: CommandContext): void {
  const workspace = program
    .command('workspace')
    .description('private places for programs: the host is there, and what they change is kept apart')
    .addHelpText(
      'after',
      examples(
        'plinth workspace create demo --deny net --folder .',
        'plinth workspace run demo -- make test',
        'plinth workspace run demo -- bash',
        'plinth workspace list',
        'plinth workspace rm demo',
      ),
    );
  workspace
    .command('create')
    .description('make a workspace')
    .argument('<NAME>', 'letters, digits, dots, dashes, underscores')
    .addOption(new Option('--deny <WHAT>', 'net: no network but a loopback interface').argParser(appendTo))
    .addOption(
      new Option('--home <KIND>', 'private: empty; cow: yours without its secrets, changes apart')
        .choices(['private', 'cow'])
        .default('private'),
    )
    .addOption(new Option('--folder <DIR>', 'a directory that is there too, changes apart').argParser(appendTo))
    .option('--root', 'commands are root of its namespaces, for installers')
    .option('--memory <SIZE>', 'address space of each process, such as 512M')
    .option('--pids <COUNT>', 'processes at a time')
    .option('--dry-run', 'print what a command would find, and make nothing')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: CreateOptions) => {
      const { createVerb } = await import('../verbs/workspace.js');
      outcome.status = createVerb(name, options);
    });
  workspace
    .command('run')
    .description('run a command in a workspace; its status is passed on, and 125 is a failure of ours')
    .argument('<NAME>', 'the workspace')
    .argument('<COMMAND...>', 'the command, best after --')
    .option('--directory <DIR>', 'where it begins')
    .option('--no-watch', 'note no events')
    .option('--dry-run', 'print what it would find, and run nothing')
    .passThroughOptions()
    .action(async (name: string, command: readonly string[], options: RunInOptions) => {
      const { runInVerb } = await import('../verbs/workspace.js');
      outcome.status = await runInVerb(name, command, options);
    });
  workspace
    .command('list')
    .description('list workspaces')
    .option('--json', 'print the result as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      const { listVerb } = await import('../verbs/workspace.js');
      outcome.status = listVerb(options);
    });
  workspace
    .command('rm')
    .description('remove workspaces with all that was changed in them')
    .argument('<NAME...>', 'the workspaces')
    .action(async (names: readonly string[]) => {
      const { removeVerb } = await import('../verbs/workspace.js');
      outcome.status = removeVerb(names);
    });
}
