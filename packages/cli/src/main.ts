// SPDX-License-Identifier: Apache-2.0
// The command `plinth`: verbs and their options. A verb's code is only loaded when it is called, so that help and errors
// come at once. Every way out goes through process.exit, whose listeners restore the terminal and remove what is ours.

import { constants } from 'node:os';
import { Command, CommanderError, Option } from 'commander';
import { PlinthError } from '@plinth/core';
import type { ImageOptions } from './verbs/image.js';
import type { AttachVerbOptions } from './verbs/inspect-attach.js';
import type { DetachOptions, EventsOptions } from './verbs/inspect-host.js';
import type { CheckOptions, PcapOptions } from './verbs/inspect.js';
import { reasonOf } from './host/reason.js';
import { tuneCompiler } from './host/v8-flags.js';
import { EXIT, reportError } from './report-error.js';
import type { ReplayVerbOptions } from './verbs/replay.js';
import type { ServeOptions } from './verbs/serve.js';
import { RUN_OPTIONS } from './run/option-list.js';
import { addApp } from './app/commands.js';
import { addWorkspace } from './workspace/commands.js';
import type { RunOptions } from './run/run-options.js';

const VERSION = '0.1.0';

/** Signals that end us become exits, so that listeners of 'exit' run. */
function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]));
  }
  // A reader that went away (`plinth … | head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.clean);
    const message = `standard output: cannot be written: ${reasonOf(error)}`;
    process.exit(reportError(new PlinthError('host', 'output', message, { cause: error })));
  });
  process.on('uncaughtException', (error) => process.exit(reportError(error)));
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

/** The status of the verb that ran; set by its action. */
interface Outcome {
  status: number;
}

function buildProgram(outcome: Outcome): Command {
  const program = new Command('plinth')
    .description('Runs ARM machines in TypeScript and watches them from underneath.')
    .version(VERSION)
    .showHelpAfterError(false)
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ writeErr: () => undefined })
    .addHelpText(
      'after',
      examples(
        'plinth run --image debian-mini                     a shell in a Debian kernel; Ctrl-A X leaves',
        "plinth run --image debian-mini --exec 'uname -a'   one command, its output and its success",
        'plinth doctor                                      what this host offers',
      ),
    );
  addRun(program, outcome);
  addRecord(program, outcome);
  addReplay(program, outcome);
  addTop(program, outcome);
  addProbe(program, outcome);
  addImage(program, outcome);
  addInspect(program, outcome);
  addWorkspace(program, { outcome, examples, appendTo });
  addApp(program, { outcome, examples, appendTo });
  addServe(program, outcome);
  addDoctor(program, outcome);
  addBench(program, outcome);
  return program;
}

function addRun(program: Command, outcome: Outcome): void {
  const run = program
    .command('run')
    .description('run a machine')
    .argument(
      '[FILE...]',
      'ELF program, snapshot, or a guest file (YAML) with these options as keys; several run at once, each in a thread',
    );
  addRunOptions(run);
  run
    .addHelpText(
      'after',
      examples(
        'plinth run --image debian-mini',
        "plinth run --image debian-mini --exec 'cat /proc/cpuinfo'",
        'plinth run --kernel zImage --initrd initrd.gz --append console=ttyAMA0 --memory 512M',
        'plinth run --kernel zImage --initrd initrd.gz --drive disk.img,overlay=changes --append root=/dev/vda',
        'plinth run --kernel zImage --initrd initrd.gz --net user,hostfwd=tcp::2222-:22 --pcap all.pcapng',
        'plinth run program.elf --semihosting',
        'plinth run program.elf --gdb 1234 --paused        then: gdb-multiarch program.elf -ex "target remote :1234"',
        'plinth run --image debian-mini --probe my-probe.ts   see plinth probe init',
        'plinth run guest.yaml --limit-seconds 60',
        'plinth run client.yaml server.yaml                two machines at once; each line of output says whose it is',
        "plinth run --kernel Image --initrd I --save-snapshot booted --save-at 'login:' --limit-instructions 9e9",
        'plinth run booted                                 goes on where the snapshot was taken',
      ),
    )
    .action(async (files: readonly string[], options: RunOptions) => {
      const { runVerb } = await import('./verbs/run.js');
      outcome.status = await runVerb(files, withDashes(options));
    });
}

/** The options of a run, less those that the verb says in its own way. */
function addRunOptions(verb: Command, without: readonly string[] = []): void {
  for (const { name, value, help, positional, list, on } of RUN_OPTIONS) {
    if (positional === true || without.includes(name)) continue;
    const option = new Option(`--${name}${value === undefined ? '' : ` <${value}>`}`, help);
    verb.addOption(list === true ? option.argParser(appendTo) : option);
    if (on === true) verb.addOption(new Option(`--no-${name}`, `no ${help.split(',')[0] ?? name}`));
  }
  verb
    .addOption(new Option('--events <FILE>', 'write findings as JSON lines, - for standard output'))
    .addOption(new Option('--json', 'print the result as JSON; the console goes to standard error'));
}

function addRecord(program: Command, outcome: Outcome): void {
  const record = program
    .command('record')
    .description('run a machine and record the run: the same as run --record')
    .argument('[FILE]', 'ELF program, snapshot, or a guest file')
    .requiredOption('-o, --output <FILE>', 'the recording');
  addRunOptions(record, ['record']);
  record
    .addHelpText(
      'after',
      examples(
        'plinth record --image debian-mini -o boot.rec',
        'plinth record program.elf --embed -o crash.rec    a file that is replayed without any other',
        'plinth replay boot.rec',
      ),
    )
    .action(async (file: string | undefined, { output, ...options }: RunOptions) => {
      const { runVerb } = await import('./verbs/run.js');
      outcome.status = await runVerb(file === undefined ? [] : [file], withDashes({ ...options, record: output }));
    });
}

function addReplay(program: Command, outcome: Outcome): void {
  program
    .command('replay')
    .description('run a recorded run again, and compare both')
    .argument('<FILE>', 'the recording')
    .addOption(new Option('--engine <NAME>', 'what it runs on').choices(['auto', 'interpreter', 'translator']))
    .option('--until <COUNT>', 'stop at this number of instructions')
    .option('--gdb <PORT>', 'wait for gdb at PORT or HOST:PORT; it can also go backwards')
    .option('--kernel <FILE>', 'where the kernel is now')
    .option('--initrd <FILE>', 'where the initial RAM disk is now')
    .option('--dtb <FILE>', 'where the device tree is now')
    .option('--program <FILE>', 'where the program is now')
    .option('--snapshot <FILE>', 'where the snapshot is now that the run began with')
    .addOption(new Option('--drive <FILE>', 'where a disk is now; all of them in their order').argParser(appendTo))
    .option('--json', 'print the result as JSON; the console goes to standard error')
    .addHelpText(
      'after',
      examples(
        'plinth replay boot.rec',
        'plinth replay boot.rec --engine interpreter --until 50_000_000 --json',
        'plinth replay boot.rec --gdb 3333',
      ),
    )
    .action(async (file: string, options: ReplayVerbOptions) => {
      const { replayVerb } = await import('./verbs/replay.js');
      outcome.status = await replayVerb(file, options);
    });
}

function addTop(program: Command, outcome: Outcome): void {
  const top = program
    .command('top')
    .description('run a machine and show what it is busy with: the same as run --top')
    .argument('[FILE]', 'ELF program, snapshot, or a guest file');
  addRunOptions(top, ['top']);
  top
    .addHelpText(
      'after',
      examples('plinth top --image debian-mini', 'plinth top booted.snapshot', 'plinth top guest.yaml --json'),
    )
    .action(async (file: string | undefined, options: RunOptions) => {
      const { runVerb } = await import('./verbs/run.js');
      outcome.status = await runVerb(file === undefined ? [] : [file], withDashes({ ...options, top: true }));
    });
}

function addProbe(program: Command, outcome: Outcome): void {
  program
    .command('probe')
    .description('files that set probes, for plinth run --probe')
    .addHelpText('after', examples('plinth probe init', 'plinth run --image debian-mini --probe my-probe.ts'))
    .command('init')
    .description('write a file to begin with; it is never written over another one')
    .argument('[FILE]', 'its name', 'my-probe.ts')
    .action(async (file: string) => {
      const { initProbe } = await import('./verbs/probe.js');
      outcome.status = initProbe(file);
    });
}

function appendTo(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Commander gives `limitSeconds`; a RunSpec's options are spelled as written. */
function withDashes(options: RunOptions): RunOptions {
  const entries = Object.entries(options);
  return Object.fromEntries(
    entries.map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value]),
  );
}

function addImage(program: Command, outcome: Outcome): void {
  const image = program
    .command('image')
    .description('guest images in the cache')
    .addHelpText(
      'after',
      examples(
        'plinth image pull debian-mini                a kernel and busybox: seconds',
        'sudo plinth image pull debian --size 4G      a whole Debian on a disk: minutes',
        'ls $(plinth image path debian-mini)',
        'plinth image du',
      ),
    );
  const verb = (name: string, description: string): Command =>
    image.command(name).description(description).option('--json', 'print the result as JSON');
  verb('list', 'what there is, and what of it is here').action(async (options: ImageOptions) => {
    const { listImages } = await import('./verbs/image.js');
    outcome.status = listImages(options);
  });
  verb('pull <NAME>', 'bring an image, or mend it')
    .option('--force', 'bring it anew even if it is here')
    .option('--size <SIZE>', 'of its disk, if it has one (default: 2G)')
    .action(async (name: string, options: ImageOptions) => {
      const { pullVerb } = await import('./verbs/image.js');
      outcome.status = await pullVerb(name, options);
    });
  verb('import <NAME> <PATH>', 'make an image of a root file system: a tar (.gz, .xz, .zst) or an OCI image folder')
    .option('--force', 'replace the image of this name')
    .option('--size <SIZE>', 'of its disk (default: 2G)')
    .action(async (name: string, path: string, options: ImageOptions) => {
      const { importVerb } = await import('./verbs/image.js');
      outcome.status = await importVerb(name, path, options);
    });
  verb('path <NAME>', 'print the directory of an image').action(async (name: string, options: ImageOptions) => {
    const { pathVerb } = await import('./verbs/image.js');
    outcome.status = await pathVerb(name, options);
  });
  verb('du', 'what the cache takes of the disk').action(async (options: ImageOptions) => {
    const { usageVerb } = await import('./verbs/image.js');
    outcome.status = usageVerb(options);
  });
  verb('rm <NAME>', 'remove an image, or what "du" calls (packages) or (tools)').action(
    async (name: string, options: ImageOptions) => {
      const { removeVerb } = await import('./verbs/image.js');
      outcome.status = removeVerb(name, options);
    },
  );
}

function addInspect(program: Command, outcome: Outcome): void {
  const inspect = program
    .command('inspect')
    .description('rules for packets, in the language of Snort and Suricata')
    .addHelpText(
      'after',
      examples(
        'plinth inspect check my.rules',
        'plinth inspect pcap traffic.pcapng --rules my.rules',
        'plinth inspect pcap traffic.pcap --rules my.rules --set HOME_NET=10.0.0.0/8 --json',
        'plinth inspect attach --container web --rules my.rules',
        'plinth inspect events --follow --json',
        'plinth inspect detach --container web',
      ),
    );
  const set = (): Option => new Option('--set <NAME=VALUE>', 'what $NAME in rules is').argParser(appendTo);
  inspect
    .command('check')
    .description('say of each rule whether the kernel can decide it, or why not')
    .argument('<RULES>', 'a file of rules')
    .addOption(set())
    .option('--json', 'print the result as JSON')
    .action(async (path: string, options: CheckOptions) => {
      const { checkVerb } = await import('./verbs/inspect.js');
      outcome.status = checkVerb(path, options);
    });
  inspect
    .command('pcap')
    .description('run over a capture what the kernel would run over packets, and print the alerts')
    .argument('<FILE>', 'pcap or pcapng')
    .requiredOption('--rules <FILE>', 'a file of rules')
    .addOption(set())
    .option('--fail-closed', 'drop what cannot be inspected, instead of reporting it')
    .addOption(new Option('--events <FILE>', 'write findings as JSON lines, - for standard output'))
    .option('--json', 'print alerts as JSON lines, as EVE has them')
    .action(async (path: string, options: PcapOptions) => {
      const { pcapVerb } = await import('./verbs/inspect.js');
      outcome.status = pcapVerb(path, options);
    });
  addInspectHost(inspect, outcome);
}

/** Rules at the interfaces of this host. */
function addInspectHost(inspect: Command, outcome: Outcome): void {
  inspect
    .command('attach')
    .description('inspect the traffic of a container in the kernel; once more changes its rules')
    .requiredOption('--rules <FILE>', 'a file of rules')
    .option('--container <NAME>', 'name or beginning of the id, of any runtime')
    .option('--pid <N>', 'the network of this process instead')
    .option('--interface <NAME>', 'an interface of this host instead')
    .option('--label <LABEL>', 'all containers with this label, NAME or NAME=VALUE, as Docker and podman know them')
    .option('--all', 'all containers with a network of their own that a service or runtime knows')
    .option('--follow', 'stay, and attach what comes later: interfaces, and containers that start or start again')
    .option('--xdp', 'at XDP of that interface: earliest, and only what it receives')
    .addOption(new Option('--set <NAME=VALUE>', 'what $NAME in rules is').argParser(appendTo))
    .option('--fail-closed', 'drop what cannot be inspected, instead of reporting it')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      examples(
        'plinth inspect attach --container web --rules my.rules',
        'plinth inspect attach --all --rules my.rules --follow',
        'plinth inspect attach --interface veth0 --rules my.rules --fail-closed',
        'plinth inspect attach --interface eth0 --xdp --rules floods.rules',
      ),
    )
    .action(async (options: AttachVerbOptions) => {
      const { attachVerb } = await import('./verbs/inspect-attach.js');
      outcome.status = await attachVerb(options);
    });
  inspect
    .command('status')
    .description('what is inspected, since when, and what was counted')
    .option('--json', 'print it as JSON')
    .action(async (options: { json?: boolean }) => {
      const { statusVerb } = await import('./verbs/inspect-host.js');
      outcome.status = await statusVerb(options);
    });
  inspect
    .command('events')
    .description('print what was found; what is printed is not printed again')
    .option('--container <NAME>', 'of this one alone')
    .option('--follow', 'go on with what is found later')
    .addOption(new Option('--events <FILE>', 'write findings as JSON lines, - for standard output'))
    .option('--json', 'print JSON lines, as EVE has them')
    .action(async (options: EventsOptions) => {
      const { eventsVerb } = await import('./verbs/inspect-host.js');
      outcome.status = await eventsVerb(options);
    });
  inspect
    .command('detach')
    .description('end an inspection; nothing of it is left')
    .option('--container <NAME>', 'what "status" calls it, or a name or id')
    .option('--all', 'all of them')
    .option('--json', 'print the result as JSON')
    .action(async (options: DetachOptions) => {
      const { detachVerb } = await import('./verbs/inspect-host.js');
      outcome.status = await detachVerb(options);
    });
  inspect
    .command('metrics')
    .description('counters in Prometheus’ text format')
    .action(async () => {
      const { metricsVerb } = await import('./verbs/inspect-host.js');
      outcome.status = await metricsVerb();
    });
}

function addServe(program: Command, outcome: Outcome): void {
  program
    .command('serve')
    .description('a page that boots a guest in the browser')
    .option('--port <PORT>', 'where to listen, 0 for any', '8080')
    .option('--host <ADDRESS>', 'listen there; other hosts can then reach it', '127.0.0.1')
    .option('--image <NAME>', 'the guest', 'debian-mini')
    .option('--build <DIR>', 'write the page as a static site instead')
    .option('--cold', 'without a snapshot of the booted guest: smaller, and every visitor boots')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples('plinth serve', 'plinth serve --build site'))
    .action(async (options: ServeOptions) => {
      const { serveVerb } = await import('./verbs/serve.js');
      outcome.status = await serveVerb(options);
    });
}

function addDoctor(program: Command, outcome: Outcome): void {
  program
    .command('doctor')
    .description('what this host offers')
    .option('--json', 'print the result as JSON')
    .option('--clean', 'remove what killed runs left behind and what is kept for other versions')
    .addHelpText('after', examples('plinth doctor', 'plinth doctor --clean'))
    .action(async (options: { json?: boolean; clean?: boolean }) => {
      const { doctorVerb } = await import('./verbs/doctor.js');
      outcome.status = await doctorVerb(options);
    });
}

function addBench(program: Command, outcome: Outcome): void {
  program
    .command('bench')
    .description('measure this machine beside QEMU')
    .argument('[NAME]', 'boot, compute, io, observe, sandbox or start')
    .argument('[OPTIONS...]', 'those of the benchmark')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', examples('plinth bench boot', 'plinth bench compute --only fib,crc32 --json'))
    .action(async (name: string | undefined, options: readonly string[]) => {
      const { benchVerb } = await import('./verbs/bench.js');
      outcome.status = await benchVerb([...(name === undefined ? ['--help'] : [name]), ...options]);
    });
}

/** Runs one command line (without node and script) and gives the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const outcome: Outcome = { status: EXIT.clean };
  try {
    await buildProgram(outcome).parseAsync(args, { from: 'user' });
    return outcome.status;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error);
    if (error.exitCode === 0) return EXIT.clean; // help or version was printed
    const detail =
      error.code === 'commander.help'
        ? 'a verb is missing'
        : // A suggestion is a line of its own.
          error.message
            .replace(/^error: /, '')
            .replace(/\.$/, '')
            .replace('\n(Did', ' (did');
    return reportError(new PlinthError('input', error.code, `${detail}: see "plinth --help"`));
  }
}

tuneCompiler();
exitOnSignals();
const status = await main(process.argv.slice(2));
// What could not be written is told by an event after the write.
await new Promise((resolve) => {
  process.stdout.write('', resolve);
});
process.exit(status);
