// SPDX-License-Identifier: Apache-2.0
// What a program in isolation can and cannot do, and what it leaves.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { ownSeconds, processesWith } from './app-user.js';
import { Isolated, whyNotIsolated } from './isolated.js';

const reason = whyNotIsolated('tests/sandbox/isolation.test.ts');

describe('a program in isolation', unless(reason), () => {
  let isolated: Isolated;
  beforeAll(() => void (isolated = new Isolated()));
  afterAll(() => isolated[Symbol.dispose]());

  it('passes its output and its status on', () => {
    expect(isolated.shell('echo out; echo err >&2; exit 7')).toEqual({ status: 7, stdout: 'out\n', stderr: 'err\n' });
    expect(isolated.shell('kill -9 $$').status).toBe(137);
    expect(isolated.run('nothing-of-that-name')).toEqual({
      status: 127,
      stdout: '',
      stderr: 'plinth: nothing-of-that-name: not found\n',
    });
    expect(isolated.run('/etc/passwd')).toEqual({
      status: 126,
      stdout: '',
      stderr: 'plinth: /etc/passwd: may not be executed\n',
    });
    expect(isolated.run().status).toBe(125);
  });

  it('writes into its layer, and not to the host', () => {
    const { status } = isolated.shell(
      'echo mine > ~/file; echo tool > /usr/plinth-test; echo gone > /tmp/x; echo gone > /run/x',
    );
    expect(status).toBe(0);
    expect(readFileSync(isolated.layer('home/file'), 'utf8')).toBe('mine\n');
    expect(readFileSync(isolated.layer('root/usr/plinth-test'), 'utf8')).toBe('tool\n');
    expect(existsSync('/usr/plinth-test')).toBe(false);
    // Both are there the next time, and what was in memory is not.
    expect(isolated.shell('cat ~/file /usr/plinth-test; ls /tmp/x /run/x').stdout).toBe('mine\ntool\n');
    expect(readdirSync(isolated.home)).toEqual([]);
  });

  it('sees its own processes, its own host name, and a loopback interface', () => {
    // The shell itself looks: programs of a pipeline would be there or not yet.
    const { stdout } = isolated.shell('echo /proc/[0-9]*; hostname; cat /proc/net/dev | tail -n +3 | cut -d: -f1');
    expect(stdout.split('\n').map((line) => line.trim())).toEqual(['/proc/1 /proc/2', 'plinth', 'lo', '']);
  });

  it('has no rights, and gets none', () => {
    const { stdout } = isolated.shell(
      'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr -s "\\t" " "; id -u',
    );
    const none = '0000000000000000';
    expect(stdout.split('\n').slice(0, -2)).toEqual([
      ...['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => `Cap${set}: ${none}`),
      'NoNewPrivs: 1',
      'Seccomp: 2',
    ]);
  });

  it.each([
    ['writes what is not its own', 'echo x >> /etc/passwd', 'Permission denied'],
    ['changes the kernel', 'echo x > /proc/sys/kernel/core_pattern', 'Read-only file system'],
    ['makes namespaces', 'unshare --user true', 'Operation not permitted'],
    ['mounts', 'mount -t tmpfs none /tmp', 'superuser'],
    ['sees process 1', 'ls /proc/1/root/', 'Permission denied'],
    ['reaches another host', 'exec 3<>/dev/tcp/192.0.2.1/80', 'unreachable'],
  ])('is refused when it %s', (_, script, why) => {
    const { status, stderr } = isolated.run('bash', '-c', script);
    expect(stderr).toContain(why);
    expect(status).not.toBe(0);
  });

  it('leaves no process behind', () => {
    const mark = ownSeconds(1000);
    const { stdout } = isolated.shell(`(sleep ${mark} & setsid sleep ${mark} &) ; echo begun`);
    expect(stdout).toBe('begun\n');
    // A number of its namespace would not do: another test's may have it by now.
    expect(processesWith(mark)).toEqual([]);
  });
});
