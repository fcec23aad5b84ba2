// SPDX-License-Identifier: Apache-2.0
// `plinth workspace open`: a desktop of a workspace, in the browser. An X server of its own runs in it and shows itself as a remote framebuffer,
// whose socket lies in a directory that both sides see.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlinthError } from '@plinth/core';
import { nativeCalls, programPath } from '@plinth/linux';
import {
  connectWatcher,
  EXCHANGE,
  findRunNetwork,
  hostFacts,
  Workspace,
  watcherDirectory,
  workspacesDirectory,
} from '@plinth/sandbox';
import { serveDesktop } from '@plinth/server';
import { EXIT } from '../report-error.js';
import { environmentRecord, WATCHER_DESCRIPTOR, workspaceEnvironment } from '../workspace/environment.js';

export interface OpenOptions {
  readonly port: string;
  readonly geometry: string;
  readonly json?: boolean;
}

const SERVER = 'Xvnc';
const TERMINALS = ['x-terminal-emulator', 'xterm'];
const WAIT_MILLISECONDS = 50;
/** In a minute a slow host has it, too. */
const TRIES = 1200;

/** Its display is that of nobody else: /tmp, where its socket lies, is the workspace's own. */
const SCRIPT = `${SERVER} :1 -rfbunixpath ${EXCHANGE}/screen -rfbunixmode 0600 -rfbport -1 -SecurityTypes None -nolisten tcp -nolisten local \\
  -geometry "$0" -AlwaysShared > ${EXCHANGE}/log 2>&1 &
until [ -e /tmp/.X11-unix/X1 ]; do kill -0 $! 2>/dev/null || exit 124; sleep 0.05; done
DISPLAY=:1; export DISPLAY; exec "$@"`;

export async function openVerb(name: string, command: readonly string[], options: OpenOptions): Promise<number> {
  const port = parsePort(options.port);
  if (!/^\d{2,5}x\d{2,5}$/.test(options.geometry)) {
    throw new PlinthError(
      'input',
      'geometry',
      `--geometry ${options.geometry}: width and height are wanted, such as 1280x800`,
    );
  }
  if (programPath(SERVER) === undefined) {
    const instead = `"plinth workspace run ${name} -- bash" gives a terminal`;
    const why = `there is no ${SERVER}, which draws it: apt-get install tigervnc-standalone-server; ${instead}`;
    throw new PlinthError('host', 'desktop', `a desktop: ${why}`);
  }
  const wanted =
    command.length > 0 ? command : TERMINALS.filter((program) => programPath(program) !== undefined).slice(0, 1);
  if (wanted.length === 0)
    throw new PlinthError('input', 'desktop', `say which program, or: apt-get install ${TERMINALS[1]!}`);
  const workspace = Workspace.open(workspacesDirectory(), name);
  const network = await findRunNetwork(workspace.options);
  const exchange = join(workspace.directory, 'desktop');
  rmSync(exchange, { recursive: true, force: true });
  mkdirSync(exchange, { mode: 0o700 });
  const socket = await connectWatcher(nativeCalls(), watcherDirectory());
  // Read last: what is mounted after that, no plan knows.
  const facts = hostFacts();
  const watcher = { socket: WATCHER_DESCRIPTOR, line: workspace.watchedLine(facts, network) };
  const place = { directory: facts.home, watcher, exchange, ...(network === undefined ? {} : { network }) };
  const launcher = workspace.launcher(facts, place);
  const env = environmentRecord(workspaceEnvironment(name, facts, process.env));
  const child = spawn(launcher, ['sh', '-c', SCRIPT, options.geometry, ...wanted], {
    stdio: ['ignore', 'inherit', 'inherit', socket],
    env,
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  await appears(join(exchange, 'screen'), child, exchange, name);
  const page = await serveDesktop({ socket: join(exchange, 'screen'), host: '127.0.0.1', port });
  if (options.json === true) process.stdout.write(`${JSON.stringify({ url: page.url })}\n`);
  else process.stdout.write(`${page.url}\n(only here, and until its program or this ends)\n`);
  if (facts.user === 0 && !workspace.options.asRoot) process.stderr.write(`${withoutRights(name)}\n`);
  await ended;
  await page.close();
  return EXIT.clean;
}

/** For root, whose programs think that they have rights. */
function withoutRights(name: string): string {
  const why = 'it was made without --root: xterm and others that set the groups of their user end at once';
  return `plinth: workspace ${name}: ${why} ("plinth workspace create NAME --root" makes one for them)`;
}

async function appears(path: string, child: ChildProcess, exchange: string, name: string): Promise<void> {
  for (let left = TRIES; left > 0; left--) {
    if (existsSync(path)) return;
    if (child.exitCode !== null) break;
    await sleep(WAIT_MILLISECONDS);
  }
  child.kill('SIGKILL');
  const log = join(exchange, 'log');
  const said = existsSync(log)
    ? readFileSync(log, 'utf8').trim().split('\n').at(-1)!
    : `status ${String(child.exitCode)}`;
  throw new PlinthError('host', 'desktop', `workspace ${name}: its X server does not begin: ${said}`);
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port >= 0 && port < 65_536) return port;
  throw new PlinthError('input', 'port', `--port ${text}: a number up to 65535 is wanted`);
}
