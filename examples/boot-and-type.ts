// SPDX-License-Identifier: Apache-2.0
// Boots a Linux kernel from files, types a command at its prompt and prints what comes back. The files are those of the
// image debian-mini, in the directory that is given:
//   npx plinth image pull debian-mini
//   node examples/dist/boot-and-type.js "$(npx plinth image path debian-mini)"

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BootFiles, Machine, planBoot } from '@plinth/machine';

const PROMPT = 'plinth:~# ';

const directory = process.argv[2] ?? '.';
const file = (name: string) => ({ name, bytes: readFileSync(join(directory, name)) });
const files: BootFiles = {
  kernel: file('Image'),
  initrd: file('initramfs.cpio.gz'),
  append: 'console=ttyAMA0 quiet cryptomgr.notests',
};

let screen = '';
const machine = new Machine({ onConsole: (byte) => (screen += String.fromCharCode(byte)) });
machine.load(planBoot(machine.hardware, files));

/** Runs until the console has shown `text`; gives all that it has shown since the last time. */
function runUntil(text: string): string {
  while (!screen.includes(text)) {
    const stop = machine.run({ until: machine.count + 1_000_000 });
    if (stop.kind !== 'until') throw new Error(`the machine stopped (${stop.kind}) at:\n${screen}`);
  }
  const shown = screen;
  screen = '';
  return shown;
}

/** The serial port takes a few bytes at a time, as fast as the guest reads them. */
function type(text: string): void {
  for (let left = Buffer.from(text); left.length > 0;) {
    left = left.subarray(machine.inputs.send('console', left));
    machine.run({ until: machine.count + 100_000 });
  }
}

runUntil(PROMPT);
type('uname -sm; echo $((6 * 7))\n');
const [answer = ''] = runUntil(PROMPT).split(PROMPT);
process.stdout.write(answer.replaceAll('\r', ''));

// Prints:
//   uname -sm; echo $((6 * 7))
//   Linux armv7l
//   42
