// SPDX-License-Identifier: Apache-2.0
// Snapshots, going back and discarding, by a process that is killed at any moment: what is found afterwards is a whole state.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nativeCalls } from '@plinth/linux';
import { DEFAULT_WORKSPACE, hostFacts, Workspace } from '@plinth/sandbox';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';

const long = process.env['PLINTH_LONG'] === '1';
const reason = process.platform === 'linux' ? undefined : 'workspaces are of Linux';
if (reason !== undefined) console.log(`skipped: tests/sandbox/workspace-killed.test.ts: ${reason}`);

const FILES = 40;
const SCRIPT = `
  import { nativeCalls } from '@plinth/linux';
  import { hostFacts, Workspace } from '@plinth/sandbox';
  import { writeSync } from 'node:fs';
  const calls = nativeCalls();
  const facts = hostFacts();
  const workspace = Workspace.open(process.argv[1], 'w');
  writeSync(1, 'begun');
  for (;;) {
    const number = workspace.snapshot(calls);
    workspace.discard(calls, facts);
    workspace.rollback(calls, facts, number);
  }`;

/** What a layer of this test holds: nothing, or as many files as it must, of one kind. */
function stateOf(home: string): string {
  const names = readdirSync(home);
  const kinds = new Set(names.map((name) => readFileSync(join(home, name), 'utf8')));
  if (names.length === 0) return 'empty';
  return names.length === FILES && kinds.size === 1
    ? [...kinds][0]!
    : `torn: ${names.length} files, ${kinds.size} kinds`;
}

describe('a workspace whose snapshots are killed', unless(reason), () => {
  it('is what it was, or is empty while it is being discarded', { timeout: 3_600_000 }, async () => {
    const random = new Random(long ? Date.now() >>> 0 : 11);
    const all = mkdtempSync(join(tmpdir(), 'plinth-killed-'));
    const calls = nativeCalls();
    const facts = hostFacts();
    Workspace.create(all, 'w', { ...DEFAULT_WORKSPACE, network: 'none' }, facts);
    const seen = new Set<string>();
    // Not each time empty, or nothing would be seen of what is kept.
    for (let run = 0; run < (long ? 200 : 3) || !seen.has('whole'); run++) {
      const begin = Workspace.open(all, 'w');
      const home = join(begin.upper, 'home');
      mkdirSync(home, { recursive: true });
      for (let n = 0; n < FILES; n++) writeFileSync(join(home, `file${n}`), `run ${run}`);
      const root = join(import.meta.dirname, '../..');
      const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, all], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await sleep(random.below(120));
      child.kill('SIGKILL');
      await once(child, 'close');
      const after = Workspace.open(all, 'w');
      const state = stateOf(join(after.upper, 'home'));
      expect([`run ${run}`, 'empty']).toContain(state);
      seen.add(state === 'empty' ? state : 'whole');
      for (const number of after.snapshots) {
        const copy = join(after.directory, 'snapshots', number, 'home');
        expect(stateOf(copy)).toMatch(/^run \d+$/);
        rmSync(join(after.directory, 'snapshots', number), { recursive: true });
      }
      // And it goes on.
      const number = after.snapshot(calls);
      after.discard(calls, facts);
      expect(stateOf(join(after.upper, 'home'))).toBe('empty');
      after.rollback(calls, facts, number);
      expect(stateOf(join(after.upper, 'home'))).toBe(state);
      expect(readdirSync(join(after.directory, 'layers'))).toHaveLength(1);
      rmSync(join(after.directory, 'snapshots', number), { recursive: true });
    }
    Workspace.open(all, 'w').remove(calls);
    expect(existsSync(join(all, 'w'))).toBe(false);
    rmSync(all, { recursive: true });
  });
});
