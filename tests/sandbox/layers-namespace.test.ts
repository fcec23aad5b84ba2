// SPDX-License-Identifier: Apache-2.0
// The contract of layers once more, in a user namespace as a user without rights has it: there the kernel's overlayfs has no rights of its
// own over the file systems of its layers. The namespace has as many users as containers have.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asUser, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { whyNotIsolated } from './isolated.js';
import { whyNotMounted } from './layered-mount.js';
import { usableFuse } from './usable-devices.js';

const FILE = 'tests/sandbox/layers-namespace.test.ts';
const ROOT = join(import.meta.dirname, '../..');
/** The user who makes the namespace, in which it is 0. */
const FIRST_USER = 100_000;
const USERS = 65_536;
const isLong = process.env['PLINTH_LONG'] === '1';

function whyNot(): string | undefined {
  return whyNotMounted(FILE) ?? whyNotIsolated(FILE) ?? whyUnreadable(FIRST_USER);
}

describe('layers in a user namespace', unless(whyNot()), () => {
  it('keep the contract', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plinth-namespace-'));
    for (const name of ['tmp', 'cache', 'device']) mkdirSync(join(folder, name));
    spawnSync('chown', ['-R', `${FIRST_USER}:${FIRST_USER}`, folder]);
    chmodSync(folder, 0o755);
    const which = isLong ? [] : ['--testNamePattern', 'layers by overlayfs'];
    const how = ['run', '--configLoader', 'runner', '--no-cache', '--project', 'system', ...which];
    const tests = [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...how, 'tests/sandbox/layers-contract.test.ts'];
    // It becomes root of the namespace once that has numbers.
    const script = 'echo made; read numbered; exec setpriv --reuid=0 --regid=0 --clear-groups "$@"';
    const made = ['unshare', '--user', '--mount', 'sh', '-c', script, 'sh', process.execPath, ...tests];
    // None of these makes another process.
    const outside = ['--mount', 'sh', '-c', `${usableFuse(join(folder, 'device'))} && exec "$@"`, 'sh'];
    const child = spawn('unshare', [...outside, ...asUser(FIRST_USER), ...made], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        TMPDIR: join(folder, 'tmp'),
        XDG_CACHE_HOME: join(folder, 'cache'),
      },
    });
    let output = '';
    const hear = (text: Buffer): void => void (output += text.toString());
    child.stderr.on('data', hear);
    const ended = once(child, 'close');
    await once(child.stdout, 'data');
    child.stdout.on('data', hear);
    for (const map of ['uid_map', 'gid_map']) {
      writeFileSync(`/proc/${child.pid}/${map}`, `0 ${FIRST_USER} ${USERS}`);
    }
    child.stdin.end('numbered\n');
    const [status] = (await ended) as [number | null];
    rmSync(folder, { recursive: true, force: true });
    expect([status, output]).toEqual([0, expect.stringMatching(/^[1-9]\d* passed, 0 failed$/m)]);
  });
});
