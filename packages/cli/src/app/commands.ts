// SPDX-License-Identifier: Apache-2.0
// The commands `plinth app …` and their options.

import { type Command, Option } from 'commander';
import type {
  ChangeOptions,
  CommitOptions,
  DiffOptions,
  InspectOptions,
  ProofOptions,
  RunAppOptions,
  VerifyOptions,
} from '../verbs/app.js';
import type { CommandContext } from '../workspace/commands.js';
import type { PackOptions } from './pack.js';

export function addApp(program: Command, context: CommandContext): void {
  const app = program
    .command('app')
    .description('programs in one file: they run anywhere, and leave their host as it is')
    .addHelpText(
      'after',
      context.examples(
        'plinth app pack --deb jq -o jq.plinth        of Debian’s packages; then: ./jq.plinth . file.json',
        'plinth app pack build --at /opt/my --entry /opt/my/bin/my -o my.plinth',
        String.raw`plinth app pack --windows build --entry 'C:\App\my.exe' -o my.plinth    a program of Windows`,
        'plinth app pack --capture "./install.sh --prefix /opt/my" -o my.plinth',
        'plinth app diff jq.plinth                    what it has written',
        'plinth app verify my.plinth --key key.pub',
        'plinth app verify-host / --before before; ./my.plinth; plinth app verify-host / --against before',
      ),
    );
  addPack(app, context);
  addRun(app, context);
  addState(app, context);
  addVerify(app, context);
}

function addPack(app: Command, { outcome, appendTo }: CommandContext): void {
  app
    .command('pack')
    .description('make a program in one file')
    .argument('[DIR]', 'a tree of files, as the program is to find them')
    .addOption(
      new Option('--deb <PACKAGE>', 'a Debian package by name or file, with what it needs').argParser(appendTo),
    )
    .option('--capture <COMMAND>', 'an installer: it is run in a workspace, and what it writes is packed')
    .addOption(new Option('--capture-deny <WHAT>', 'net: the installer has no network').argParser(appendTo))
    .addOption(
      new Option(
        '--capture-keep <PATH>',
        'what it writes there is taken, too: caches, logs, . (where it is started) are left out',
      ).argParser(appendTo),
    )
    .option('--capture-user', 'the installer is you, and not root of its workspace')
    .requiredOption('-o, --output <FILE>', 'the file; its name without .plinth is the program’s')
    .option('--entry <PATH>', 'what is executed, as the program sees it (default: the only one there is)')
    .option('--windows', 'a program of Windows (64-bit): DIR is on its drive C:, and Wine is packed with it')
    .option('--at <PATH>', String.raw`where DIR is to be found (default: /, with --windows C:\App)`)
    .addOption(new Option('--argument <TEXT>', 'goes before those of the user').argParser(appendTo))
    .addOption(
      new Option('--env <NAME=VALUE>', 'in its environment; {home} and the like stand for folders').argParser(appendTo),
    )
    .addOption(
      new Option(
        '--isolate <PLACE=MODE>',
        String.raw`merged, write-copy, full or hidden: /srv, {home}, {cwd}, HKLM\Software\X and the like`,
      ).argParser(appendTo),
    )
    .option('--others <MODE>', 'of the host’s other directories', 'write-copy')
    .option('--no-net', 'without a network')
    .option('--display', 'with X11 and Wayland')
    .option('--portable', 'its state lies beside the file')
    .option('--sign <KEY>', 'a private Ed25519 key in PEM')
    .option('--fresh-tools', 'with the starting programs of today, instead of those in the cache')
    .option('--json', 'print the manifest as JSON')
    .action(async (directory: string | undefined, options: PackOptions & { readonly json?: boolean }) => {
      const { packVerb } = await import('../verbs/app.js');
      outcome.status = await packVerb(directory, options);
    });
}

function addRun(app: Command, { outcome }: CommandContext): void {
  app
    .command('run')
    .description('run one; its status is passed on. The same as ./FILE')
    .argument('<FILE>', 'a program in one file')
    .argument('[ARGUMENTS...]', 'its own')
    .option('--state <DIR>', 'where what it writes is kept')
    .option('--no-fuse', 'unpack its files for this run')
    .passThroughOptions()
    .action(async (file: string, args: readonly string[], options: RunAppOptions) => {
      const { runAppVerb } = await import('../verbs/app.js');
      outcome.status = await runAppVerb(file, args, options);
    });
}

/** What is done with what a program has written. */
function addState(app: Command, { outcome }: CommandContext): void {
  const verb = (usage: string, description: string): Command =>
    app.command(usage).description(description).option('--state <DIR>', 'where what it writes is kept');
  verb('diff <FILE>', 'list what it has written')
    .option('--json', 'print it as JSON')
    .action(async (file: string, options: DiffOptions) => {
      const { diffVerb } = await import('../verbs/app.js');
      outcome.status = await diffVerb(file, options);
    });
  verb('reset <FILE>', 'forget what it has written').action(async (file: string, options: ChangeOptions) => {
    const { resetVerb } = await import('../verbs/app.js');
    outcome.status = resetVerb(file, options);
  });
  verb('commit <FILE>', 'make a new file that has what it has written as a layer')
    .requiredOption('-o, --output <FILE>', 'the new file')
    .option('--sign <KEY>', 'a private Ed25519 key in PEM')
    .action(async (file: string, options: CommitOptions) => {
      const { commitVerb } = await import('../verbs/app.js');
      outcome.status = await commitVerb(file, options);
    });
  verb('export <FILE>', 'write what it has written as a tar')
    .requiredOption('-o, --output <TAR>', 'the archive')
    .action(async (file: string, options: CommitOptions) => {
      const { exportVerb } = await import('../verbs/app.js');
      outcome.status = await exportVerb(file, options);
    });
  verb('import <FILE> <TAR>', 'take what "export" wrote; what there was is forgotten').action(
    async (file: string, tar: string, options: ChangeOptions) => {
      const { importVerb } = await import('../verbs/app.js');
      outcome.status = await importVerb(file, tar, options);
    },
  );
}

function addVerify(app: Command, { outcome, appendTo }: CommandContext): void {
  app
    .command('inspect')
    .description('print what a file says of itself')
    .argument('<FILE>', 'a program in one file')
    .option('--json', 'print its manifest')
    .action(async (file: string, options: InspectOptions) => {
      const { inspectVerb } = await import('../verbs/app.js');
      outcome.status = inspectVerb(file, options);
    });
  app
    .command('verify')
    .description('compare a file with its hashes, and these with its signature')
    .argument('<FILE>', 'a program in one file')
    .option('--key <FILE>', 'it has to be signed with this public Ed25519 key in PEM')
    .option('--json', 'print the result as JSON')
    .action(async (file: string, options: VerifyOptions) => {
      const { verifyVerb } = await import('../verbs/app.js');
      outcome.status = verifyVerb(file, options);
    });
  app
    .command('verify-host')
    .description('record all files below a directory to the last byte, or compare them with a record')
    .argument('<DIR>', 'such as /')
    .option('--before <FILE>', 'write the record there')
    .option('--against <FILE>', 'compare with this record; status 1 if anything differs')
    .addOption(new Option('--exclude <PATH>', 'is not looked at, as seen from DIR').argParser(appendTo))
    .option('--json', 'print the result as JSON')
    .action(async (directory: string, options: ProofOptions) => {
      const { verifyHostVerb } = await import('../verbs/app.js');
      outcome.status = verifyHostVerb(directory, options);
    });
}
