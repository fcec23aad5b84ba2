// SPDX-License-Identifier: Apache-2.0
// The commands `plinth workspace …` and `plinth run-untrusted`, and their options.

import type { LayerCarrier } from '@plinth/sandbox';
import { type Command, Option } from 'commander';
import type { OpenOptions } from '../verbs/workspace-open.js';
import type { CreateOptions, RunInOptions, UntrustedOptions } from '../verbs/workspace.js';

export interface CommandContext {
  readonly outcome: { status: number };
  readonly examples: (...lines: readonly string[]) => string;
  readonly appendTo: (value: string, before: readonly string[] | undefined) => string[];
}

const CARRIERS: readonly LayerCarrier[] = ['overlay', 'fuse'];

function layersOption(): Option {
  const text = 'overlay: by the kernel; fuse: by the watcher, slower (default: overlay, or fuse where that is refused)';
  return new Option('--layers <CARRIER>', text).choices(CARRIERS);
}

/** Both commands. */
export function addWorkspace(program: Command, { outcome, examples, appendTo }: CommandContext): void {
  const workspace = program
    .command('workspace')
    .description('private places for programs: the host is there, and what they change is kept apart')
    .addHelpText(
      'after',
      examples(
        'plinth workspace create demo --deny net --folder .',
        'plinth workspace run demo -- make test',
        'plinth workspace create other --allow-net deb.debian.org:80 192.0.2.0/24',
        'plinth workspace run demo -- bash',
        'plinth workspace review demo',
        'plinth workspace commit demo build/',
        'plinth workspace discard demo',
        'plinth workspace rm demo',
      ),
    );
  workspace
    .command('create')
    .description('make a workspace')
    .argument('<NAME>', 'letters, digits, dots, dashes, underscores')
    .addOption(new Option('--deny <WHAT>', 'net: no network but a loopback interface').argParser(appendTo))
    .addOption(
      new Option(
        '--allow-net <HOST...>',
        'only these hosts: names, addresses, networks, each with :PORT or without',
      ).argParser(appendTo),
    )
    .addOption(
      new Option('--home <KIND>', 'private: empty; cow: yours without its secrets, changes apart')
        .choices(['private', 'cow'])
        .default('private'),
    )
    .addOption(new Option('--folder <DIR>', 'a directory that is there too, changes apart').argParser(appendTo))
    .addOption(new Option('--deny-exec <PATH>', 'a program that may not be executed').argParser(appendTo))
    .addOption(layersOption())
    .option('--root', 'commands are root of its namespaces, for installers')
    .option('--memory <SIZE>', 'such as 512M: of all of it, or, where no control groups may be made, of each process')
    .option('--pids <COUNT>', 'processes at a time')
    .option('--cpus <NUMBER>', 'processors that it may keep busy, such as 0.5')
    .option('--dry-run', 'print what a command would find, and make nothing')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: CreateOptions) => {
      const { createVerb } = await import('../verbs/workspace.js');
      outcome.status = await createVerb(name, options);
    });
  workspace
    .command('run')
    .description(
      'run a command in a workspace; its status is passed on; if it was not started: 2 wrong use, 3 not on this host, 125 else',
    )
    .argument('<NAME>', 'the workspace')
    .argument('<COMMAND...>', 'the command, after -- if it has options')
    .option('--directory <DIR>', 'where it begins')
    .addOption(new Option('--layers <CARRIER>', 'for this command, as create has it').choices(CARRIERS))
    .option('--no-watch', 'note no events')
    .option('--dry-run', 'print what it would find, and run nothing')
    .action(async (name: string, command: readonly string[], options: RunInOptions) => {
      const { runInVerb } = await import('../verbs/workspace.js');
      outcome.status = await runInVerb(name, command, options);
    });
  workspace
    .command('open')
    .description('show a desktop of a workspace in the browser, until its program ends')
    .argument('<NAME>', 'the workspace')
    .argument('[COMMAND...]', 'the program to begin with; a terminal if it is left out')
    .addOption(new Option('--port <PORT>', 'where the page is; 0 is any that is free').default('0'))
    .addOption(new Option('--geometry <SIZE>', 'of the screen at first').default('1280x800'))
    .option('--json', 'print the address as JSON')
    .action(async (name: string, command: readonly string[], options: OpenOptions) => {
      const { openVerb } = await import('../verbs/workspace-open.js');
      outcome.status = await openVerb(name, command, options);
    });
  workspace
    .command('review')
    .description('say what was changed in a workspace, which programs ran, whom they spoke to, and what was refused')
    .argument('<NAME>', 'the workspace')
    .option('--json', 'print the result as JSON')
    .action(async (name: string, options: { readonly json?: boolean }) => {
      const { reviewVerb } = await import('../verbs/workspace.js');
      outcome.status = reviewVerb(name, options);
    });
  workspace
    .command('commit')
    .description('bring changes to the host, those at and below each path, with the new directories around them')
    .argument('<NAME>', 'the workspace')
    .argument('[PATH...]', 'as the review has them')
    .option('--all', 'all of them')
    .option('--json', 'print the result as JSON')
    .action(
      async (name: string, paths: readonly string[], options: { readonly all?: boolean; readonly json?: boolean }) => {
        const { commitVerb } = await import('../verbs/workspace.js');
        outcome.status = commitVerb(name, paths, options);
      },
    );
  workspace
    .command('discard')
    .description('throw away all that was changed in a workspace; snapshots stay')
    .argument('<NAME>', 'the workspace')
    .action(async (name: string) => {
      const { discardVerb } = await import('../verbs/workspace.js');
      outcome.status = discardVerb(name);
    });
  workspace
    .command('snapshot')
    .description('keep what was changed up to now, under a number')
    .argument('<NAME>', 'the workspace')
    .action(async (name: string) => {
      const { snapshotVerb } = await import('../verbs/workspace.js');
      outcome.status = snapshotVerb(name);
    });
  workspace
    .command('rollback')
    .description('make all as it was at a snapshot')
    .argument('<NAME>', 'the workspace')
    .argument('[NUMBER]', 'the snapshot; the newest if it is left out')
    .action(async (name: string, number: string | undefined) => {
      const { rollbackVerb } = await import('../verbs/workspace.js');
      outcome.status = rollbackVerb(name, number);
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
  program
    .command('run-untrusted')
    .description(
      'run one command without network in a workspace of its own, and say what it did; 0 if it gave 0, else 1',
    )
    .addOption(
      new Option(
        '--allow-net <HOST>',
        'a host that is reached: a name, an address, a network, with :PORT or without',
      ).argParser(appendTo),
    )
    .argument('<COMMAND...>', 'the command, best after --')
    .addOption(
      new Option('--folder <DIR>', 'a directory that is there, changes apart (default: the current one)').argParser(
        appendTo,
      ),
    )
    .addOption(new Option('--pids <COUNT>', 'processes at a time').default('512'))
    .addOption(layersOption())
    .option('--keep', 'keep the workspace, so that changes can be committed')
    .option('--json', 'print the result as JSON')
    .passThroughOptions()
    .addHelpText(
      'after',
      examples(
        'plinth run-untrusted ./install.sh',
        'plinth run-untrusted --keep --allow-net api.example.com:443 -- ./agent',
      ),
    )
    .action(async (command: readonly string[], options: UntrustedOptions) => {
      const { runUntrustedVerb } = await import('../verbs/workspace.js');
      outcome.status = await runUntrustedVerb(command, options);
    });
}
