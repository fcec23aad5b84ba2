// SPDX-License-Identifier: Apache-2.0
// `npm start`: from a fresh clone to a shell in an ARM Linux. Installs and builds what is not there yet, brings the guest
// image, and boots it: interactively on a terminal, otherwise with a self-check whose findings it prints. Arguments go to
// `plinth run` (npm start -- --stock). Uses nothing but Node, since nothing else may be installed yet.

import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const IMAGE = 'debian-mini';
const PLINTH = join(root, 'packages', 'cli', 'bin', 'plinth.js');
/** One fact a line, in the order of REPORT; the last shows that the guest computes. */
const SELF_CHECK = [
  'uname -srm',
  "sed -n 's/^model name.*: //p' /proc/cpuinfo",
  "sed -n 's/^MemTotal: *//p' /proc/meminfo",
  'echo $((6*7))',
].join(' && ');
const REPORT = ['kernel', 'CPU', 'memory'];

const args = process.argv.slice(2);

checkNode();
if (needsInstall()) npm('ci', '--no-audit', '--no-fund');
npm('run', '--silent', 'build');
plinth(['image', 'pull', IMAGE], 'inherit');
if (process.stdin.isTTY && process.stdout.isTTY) {
  // What it does then, boot or go on from a kept boot, is what plinth itself says.
  console.log('Ctrl-A X leaves, Ctrl-A H helps.');
  plinth(['run', '--image', IMAGE, ...args], 'inherit');
} else selfCheck();

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return;
  fail(`Node.js ${process.versions.node} is too old: 20.19, or 22.12 and later, are supported`, 3);
}

/** npm leaves a copy of the lock file in node_modules when it is done. */
function needsInstall() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(join(root, 'package-lock.json')).mtimeMs;
}

function npm(...npmArgs) {
  // Under `npm start` this is npm's own program, whatever is on the PATH.
  const program = process.env.npm_execpath;
  const [command, first] = program === undefined ? ['npm', []] : [process.execPath, [program]];
  const { status, error } = spawnSync(command, [...first, ...npmArgs], { cwd: root, stdio: 'inherit' });
  if (error !== undefined) fail(`npm could not be started: ${error.message}`, 3);
  if (status !== 0) fail(`npm ${npmArgs[0]} failed`, 3);
}

/** Runs plinth to its end; if it fails, so do we, with its status and the line it has printed. */
function plinth(plinthArgs, stdout) {
  const result = spawnSync(process.execPath, [PLINTH, ...plinthArgs], {
    cwd: root,
    stdio: ['inherit', stdout, 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
    encoding: 'utf8',
  });
  if (result.error !== undefined) fail(`plinth could not be started: ${result.error.message}`, 3);
  if (result.status !== 0) process.exit(result.status ?? 1);
  return result.stdout;
}

function selfCheck() {
  console.log('No terminal here, so this is a self-check: the guest boots, looks at itself and is switched off.');
  const text = plinth(['run', '--image', IMAGE, '--cold', ...args, '--exec', SELF_CHECK, '--json'], 'pipe');
  const { output, counts } = JSON.parse(text);
  const lines = output.trimEnd().split('\n');
  if (lines.length !== REPORT.length + 1 || lines.at(-1) !== '42') {
    fail(`the guest answered something else than expected: ${JSON.stringify(output)}`, 1);
  }
  REPORT.forEach((name, i) => print(name, lines[i]));
  print('time', `${counts.hostTime.toFixed(1)} s from power-on to the end of the check`);
  print('instructions', counts.instructions.toLocaleString('en'));
  print('speed', `${(counts.instructions / counts.hostTime / 1e6).toFixed(1)} million instructions per second`);
  console.log('Self-check passed. On a terminal, npm start gives you a shell.');
}

function print(name, value) {
  console.log(`  ${name.padEnd(12)}  ${value}`);
}

function fail(message, status) {
  console.error(`npm start: ${message}`);
  process.exit(status);
}
