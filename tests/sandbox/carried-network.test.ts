// SPDX-License-Identifier: Apache-2.0
// What carries the network of a workspace ends with the run, whatever ends that.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOBODY, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { NetworkHost, whyNoNetworkHost } from './network-host.js';
import { whyNotIsolated } from './isolated.js';
import { deviceWithMode } from './usable-devices.js';
import { WorkspaceUser } from './workspace-user.js';

const FILE = 'tests/sandbox/carried-network.test.ts';
const reason = whyNotIsolated(FILE) ?? whyNoNetworkHost();
if (reason !== undefined) console.log(`skipped: ${FILE}: ${reason}`);

const ROUNDS = process.env['PLINTH_LONG'] === '1' ? 200 : 5;
const SEED = 13;

interface RunningProcess {
  readonly process: number;
  readonly kind: 'carrier' | 'ours';
  readonly parent: number;
}

describe('the carrier of a network', unless(reason), () => {
  let host: NetworkHost;
  let user: WorkspaceUser;
  beforeAll(async () => {
    host = await NetworkHost.begin();
    user = new WorkspaceUser(host.before);
    copyFileSync(join(import.meta.dirname, 'network-probe.pl'), join(user.project, 'probe.pl'));
    user.plinth('workspace', 'create', 'w', '--folder', '.', '--pids', '20', '--allow-net', '192.0.2.7:8080');
  });
  afterAll(() => {
    user[Symbol.dispose]();
    host[Symbol.dispose]();
  });

  const start = (script: string) => user.start('workspace', 'run', 'w', '--', 'sh', '-c', script);
  const probe = 'perl probe.pl tcp 192.0.2.7 8080';

  /** Carriers of this workspace, and what its launch program runs as outside of it and as its process 1. */
  const running = (): RunningProcess[] => {
    const inside = join(user.folder, 'data', 'plinth', 'workspaces', 'w');
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name): RunningProcess[] => {
        try {
          const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
          const kind = words.includes(join(inside, 'carrier')) ? 'carrier' : 'ours';
          // Another run replaces the file, and a new program's path is that of no file then.
          const program = readlinkSync(`/proc/${name}/exe`).replace(/ \(deleted\)$/, '');
          if (kind === 'ours' && program !== join(inside, 'launch')) return [];
          const parent = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]);
          return [{ process: Number(name), kind, parent }];
        } catch {
          return []; // it has ended
        }
      });
  };
  const carrier = (): RunningProcess => running().find(({ kind }) => kind === 'carrier')!;
  const allEnded = async (): Promise<void> => {
    while (running().length > 0) await sleep(20);
  };

  it('ends with the run', async () => {
    const { said, end } = start('echo begun; cat');
    expect(await said).toBe('begun\n');
    expect(
      running()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['carrier', 'ours', 'ours', 'ours']);
    expect(await end()).toBe(0);
    expect(running()).toEqual([]);
  });

  it('ends with the first process, if that is killed', async () => {
    const { said, ended, process: first } = start('echo begun; cat');
    await said;
    process.kill(first, 'SIGKILL');
    await ended;
    await allEnded();
    expect(user.plinth('workspace', 'run', 'w', '--', ...probe.split(' ')).stdout).toBe('tcp 8080: hello\n');
  });

  it(`ends, whenever the first process is killed, ${ROUNDS} times`, { timeout: 3_600_000 }, async () => {
    const random = new Random(SEED);
    const launch = join(user.folder, 'data', 'plinth', 'workspaces', 'w', 'launch');
    user.plinth('workspace', 'run', 'w', '--no-watch', '--', 'true');
    for (let round = 0; round < ROUNDS; round++) {
      const [program, ...words] = [...host.before, launch, 'sleep', '1000'];
      const child = spawn(program!, words, { cwd: user.project, env: user.environment, stdio: 'ignore' });
      const ended = once(child, 'exit');
      await sleep(random.below(250));
      child.kill('SIGKILL');
      await ended;
      await allEnded();
    }
    expect(user.plinth('doctor').stdout).not.toContain(user.folder);
  });

  it('may be killed: nothing is reached then, and nothing is left', async () => {
    const until = 'while grep -q plinth: /proc/net/dev; do sleep 0.05; done';
    const { said, ended } = start(`echo begun; ${until}; ${probe} | grep -q "Network is unreachable"`);
    await said;
    process.kill(carrier().process, 'SIGKILL');
    expect(await ended).toBe(0);
    await allEnded();
  });

  it('is found by doctor if all that looked after it was killed', async () => {
    const { said, ended, process: first } = start('echo begun; cat');
    await said;
    const { process: left, parent: keeper } = carrier();
    // In use it is nothing that is left.
    expect(user.plinth('doctor').stdout).not.toContain(`process ${left}`);
    process.kill(keeper, 'SIGKILL');
    process.kill(first, 'SIGKILL');
    await ended;
    const { status } = user.plinth('doctor', '--clean');
    expect(status).toBe(0);
    await allEnded();
  });

  it('does not bring programs to the host by its gateway, though that is listed', () => {
    user.plinth('workspace', 'create', 'g', '--folder', '.', '--allow-net', '192.0.0.1', 'fd8b:71c4:5e02::1');
    host.reached();
    const script =
      'export PATIENCE=8; perl probe.pl tcp 192.0.0.1 8080 & perl probe.pl tcp fd8b:71c4:5e02::1 8080 & wait';
    const { stdout } = user.plinth('workspace', 'run', 'g', '--', 'sh', '-c', script);
    expect(stdout).not.toContain('hello');
    expect(host.reached()).toEqual([]);
  });

  it('says so in one line, with status 3, where it has no way out', () => {
    using alone = new WorkspaceUser(['unshare', '--net']);
    const { status, stdout, stderr } = alone.plinth('workspace', 'create', 'x', '--allow-net', '192.0.2.7');
    expect([status, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^plinth: workspace x: its network does not begin: pasta: .+\n$/);
    expect(alone.plinth('workspace', 'list').stdout).toContain('no workspaces');
  });

  it('says so, and what mends it, for a user who may not open /dev/net/tun', unless(reason ?? whyUnreadable()), () => {
    const at = mkdtempSync(join(tmpdir(), 'plinth-device-'));
    const forRoot = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      `${deviceWithMode('/dev/net/tun', '600', at)} && exec "$@"`,
      'sh',
    ];
    using other = new WorkspaceUser([...host.before, ...forRoot], NOBODY);
    const { status, stdout, stderr } = other.plinth('workspace', 'create', 'x', '--allow-net', '192.0.2.7');
    expect([status, stdout]).toEqual([3, '']);
    const why = '/dev/net/tun: the kernel says EACCES: this user may not open it: as root, "chmod 666 /dev/net/tun"';
    expect(stderr).toBe(`plinth: workspace x: its network does not begin: ${why} lets everybody, as udev does\n`);
    expect(other.plinth('doctor').stdout).toContain(why);
    rmdirSync(at);
  });
});
