// SPDX-License-Identifier: Apache-2.0
// A workspace at a terminal: script(1) makes one, and this types.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CALL } from '@plinth/linux';
import { describe, expect, it } from 'vitest';
import { NOBODY, whyUnreadable } from '../setup/other-users.js';
import { unless } from '../setup/skipping.js';
import { whyNotIsolated } from './isolated.js';
import { WorkspaceUser } from './workspace-user.js';

const reason = whyNotIsolated('tests/sandbox/terminal.test.ts') ?? whyNoTerminal();
const isRoot = process.getuid?.() === 0;
/** Of 20 ms, on the slowest of hosts. */
const TRIES = 15_000;
const isLong = process.env['PLINTH_LONG'] === '1';
const withRoot = isRoot && isLong ? (['root', 'user'] as const) : (['user'] as const);
const users = whyUnreadable() === undefined ? withRoot : (['root'] as const);

function whyNoTerminal(): string | undefined {
  const { status, stderr } = spawnSync('script', ['-qec', 'true', '/dev/null'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  const why = `script(1) gives no pseudo terminal here: ${stderr ?? ''}`;
  console.log(`skipped: tests/sandbox/terminal.test.ts: ${why}`);
  return why;
}

function interactive(prompt: string): string {
  return `env 'PS1=${prompt}' bash --norc --noprofile -i`;
}

/** A shell at a terminal, of a user who has a workspace `w`. */
class Session implements Disposable {
  readonly user: WorkspaceUser;
  readonly #child: ChildProcess;
  #shown = '';

  constructor(who: (typeof users)[number]) {
    const number = isRoot && who === 'user' ? NOBODY : undefined;
    this.user = new WorkspaceUser([], number);
    const { status, stderr } = this.user.plinth('workspace', 'create', 'w', '--deny', 'net');
    if (status !== 0) throw new Error(stderr);
    // Where we are, since the path of either may have blanks.
    this.user.write('plinth', `#!/bin/sh\nexec '${process.execPath}' '${this.user.program}' "$@"\n`);
    const [first, ...rest] = this.user.commandLine('script', '-qefc', interactive('host> '), '/dev/null');
    this.#child = spawn(first, rest, {
      cwd: this.user.project,
      env: { ...this.user.environment, TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout!.on('data', (data: Buffer) => (this.#shown += data.toString()));
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Waits until something is shown, and gives what was matched. What came before is forgotten. */
  async shows(pattern: RegExp): Promise<string> {
    for (let left = TRIES; left > 0; left--) {
      const match = pattern.exec(this.#shown);
      if (match !== null) {
        this.#shown = this.#shown.slice(match.index + match[0].length);
        return match[1] ?? match[0];
      }
      await sleep(20);
    }
    throw new Error(`${String(pattern)} is not shown, but ${JSON.stringify(this.#shown)}`);
  }

  async end(): Promise<number | null> {
    this.type('exit 7\n');
    const [status] = (await once(this.#child, 'exit')) as [number | null];
    return status;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
    this.user[Symbol.dispose]();
  }
}

describe.each(users)('the terminal of %s', unless(reason), (who) => {
  it('has a name in a workspace, and none where there is no terminal', async () => {
    using session = new Session(who);
    session.type('./plinth workspace run w -- sh -c "tty; stty -F /dev/console size; ls /dev/console"\n');
    await session.shows(/\n\/dev\/console\r\n\d+ \d+\r\n\/dev\/console\r\n/);
    // Two of three are no terminal.
    session.type('true | ./plinth workspace run w -- sh -c "tty <&2" | sed s/^/=/\n');
    await session.shows(/\n=\/dev\/console\r\n/);
    session.type('./plinth run-untrusted -- tty\n');
    await session.shows(/\n\/dev\/console\r\n/);
    expect(await session.end()).toBe(7);
    const { stdout } = session.user.plinth('workspace', 'run', 'w', '--', 'sh', '-c', 'tty; ls /dev | grep console');
    expect(stdout).toBe('not a tty\n');
  });

  it('gets no input from a program, by whatever name', async () => {
    using session = new Session(who);
    // TIOCSTI of a whole line, each time.
    const script = String.raw`for my $name ("<&=0", "+</dev/tty", "+</dev/console") { open F, $name or die "$name: $!"; for my $c (split //, "echo typed\n") {
      $r = syscall(${CALL.ioctl}, fileno(F), 0x5412, my $one = $c); print $!+0 } } print " end\n"`;
    session.user.write('push', script);
    session.type('./plinth workspace run w -- perl -e "$(cat push)"\n');
    expect(await session.shows(/(\d+) end\r\n/)).toBe('1'.repeat(33));
    session.type('echo "nothing" else\n');
    expect(await session.shows(/host> ([^]*)nothing else\r\n/)).not.toContain('\ntyped');
    expect(await session.end()).toBe(7);
  });

  it('serves an interactive shell as it does outside', async () => {
    using session = new Session(who);
    session.type('tty\n');
    const terminal = await session.shows(/\n(\/dev\/pts\/\d+)\r\n/);
    session.type(`./plinth workspace run w -- ${interactive('inside> ')}\n`);
    await session.shows(/inside> /);
    session.type(
      'perl -e \'$| = 1; $SIG{CONT} = sub { print "goes", " on\\n" }; print "be", "gun\\n"; sleep 1000 while 1\'\n',
    );
    await session.shows(/begun/);
    session.type('\u001A');
    await session.shows(/Stopped[^]*inside> /);
    session.type('fg\n');
    await session.shows(/goes on/);
    session.type('\u0003');
    await session.shows(/inside> /);
    session.type('trap "echo now \\$(stty size)" WINCH; echo rea""dy\n');
    await session.shows(/ready[^]*inside> /);
    spawnSync('stty', ['-F', terminal, 'rows', '41', 'cols', '143']);
    session.type('\n');
    await session.shows(/now 41 143/);
    session.type('exit 5\n');
    await session.shows(/host> /);
    session.type('echo gave $?\n');
    await session.shows(/gave 5/);
    expect(await session.end()).toBe(7);
  });

  it('stops and goes on with a command that is no shell', async () => {
    using session = new Session(who);
    const program =
      'perl -e \'$| = 1; $SIG{CONT} = sub { print "goes", " on\\n" }; print "be", "gun\\n"; sleep 1000 while 1\'';
    for (const verb of ['workspace run w', 'run-untrusted']) {
      session.type(`./plinth ${verb} -- ${program}\n`);
      await session.shows(/begun/);
      session.type('\u001A');
      await session.shows(/Stopped[^]*host> /);
      session.type('fg\n');
      await session.shows(/goes on/);
      session.type('\u0003');
      await session.shows(/host> /);
      session.type('echo gave $?\n');
      // Of what nobody trusts only whether it succeeded.
      await session.shows(verb === 'run-untrusted' ? /gave 1\r/ : /gave 130\r/);
    }
    expect(await session.end()).toBe(7);
  });
});
