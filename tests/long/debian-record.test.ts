// SPDX-License-Identifier: Apache-2.0
// The image `debian`, recorded with its disk and a network from power-on to a login and to the end: replayed by other
// processes on either engine, and gone back in. It takes many minutes, so this is for PLINTH_LONG=1.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plinth } from '../boot/guest.js';
import { LiveGuest } from '../boot/live-guest.js';
import { GATEWAY, missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';
import { expectExactPast, readRecording } from '../observe/past.js';
import { missingUserNamespaces } from '../setup/namespaces.js';

const PEER = join(import.meta.dirname, '../net/peer.mjs');
const SIZE = 2_000_000;
/** Steps back at random places; a tenth of them is compared with all of RAM. */
const STEPS = Number(process.env['PLINTH_STEPS'] ?? 1000);

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'debian.rec');

function reasonToSkip(): string | undefined {
  if (spawnSync('passt', ['--version']).status !== 0) return 'passt is not installed';
  const namespaces = missingUserNamespaces() ?? missingNamespace();
  if (namespaces !== undefined) return namespaces;
  const { status, stderr } = plinth('image', 'pull', 'debian');
  return status === 0 ? undefined : `no guest image: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

const missing = reasonToSkip();

describe('a whole Debian, recorded', () => {
  let printed: string;

  it('boots, reaches a network and is typed at', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using namespace = await Namespace.create();
    const peer = new Output(namespace.start(process.execPath, PEER, String(SIZE), '2222'));
    await peer.until('offers');
    const options = ['--image', 'debian', '--net', 'user', '--record', file];
    await using guest = new LiveGuest(options, namespace.enter);
    await guest.until('plinth login: ');
    guest.type('root');
    await guest.until('root@plinth:~# ');
    await guest.run('dmesg --console-off; PS1=; bind "set enable-bracketed-paste off"');
    const connect = `exec 3<>/dev/tcp/${GATEWAY}/8080; printf "GET /file HTTP/1.0\\r\\n\\r\\n" >&3`;
    const hash = await guest.run(
      `${connect}; sed "1,/^\\r$/d" <&3 >got; sync; sha256sum got; head -c 8 /dev/urandom | od -An -tx1`,
    );
    expect(hash).toContain(/offers (\w+)/.exec(peer.text)![1]);
    printed = hash;
    guest.type('poweroff');
    await guest.until('reboot: Power down');
    expect(await guest.end(), guest.errors).toBe(0);
    console.log(`recording: ${statSync(file).size} bytes`);
  });

  it.for(['translator', 'interpreter'])('is the same run in another process, by the %s', (engine, { skip }) => {
    skip(missing !== undefined, missing);
    const { status, stdout, stderr } = spawnReplay(file, engine);
    expect(status, stderr.slice(-2000)).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ agrees: true, atEnd: true, stateHash: result['recordedStateHash'] });
    expect(stderr.replaceAll('\r', '')).toContain(printed);
    console.log(engine, JSON.stringify({ checkpoints: result['checkpoints'], counts: result['counts'] }));
  });

  it(`is in the past what it was, at ${STEPS} random places`, async ({ skip }) => {
    skip(missing !== undefined, missing);
    const { size, count } = await expectExactPast(await readRecording(file), STEPS, 10);
    console.log(JSON.stringify({ kept: size, instructions: count }));
  });
});

/** Without the bound in time that runs in other tests have. */
function spawnReplay(recording: string, engine: string): { status: number | null; stdout: string; stderr: string } {
  const program = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
  const args = [program, 'replay', recording, '--engine', engine, '--json'];
  return spawnSync(process.execPath, args, { encoding: 'latin1', maxBuffer: 1 << 27 });
}
