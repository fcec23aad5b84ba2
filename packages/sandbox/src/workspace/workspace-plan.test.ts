// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { HostFacts } from './host-facts.js';
import { DEFAULT_WORKSPACE, type WorkspaceOptions, workspacePlan } from './workspace-plan.js';

const DIRECTORIES = ['/home/ann', '/home/ann/.ssh', '/home/ann/.config', '/srv/keys/aws', '/home/ann/project'];
const FILES = ['/home/ann/.netrc'];
const LINKS: Readonly<Record<string, string>> = { '/home/ann/.aws': '/srv/keys/aws', '/home/ann/.kube': '/run/kube' };

const facts: HostFacts = {
  user: 1000,
  group: 1000,
  userName: 'ann',
  home: '/home/ann',
  top: [
    { name: 'bin', target: 'usr/bin' },
    { name: 'data', mode: 0o755 },
    { name: 'home', mode: 0o755 },
    { name: 'opt', mode: 0o755 },
    { name: 'proc', mode: 0o555 },
    { name: 'srv', mode: 0o755 },
    { name: 'tmp', mode: 0o1777 },
    { name: 'usr', mode: 0o755 },
  ],
  mountPoints: ['/', '/proc', '/data/disk'],
  controllers: new Map(),
  unified: undefined,
  isEmpty: (path) => path === '/opt',
  exists: (path) => (DIRECTORIES.includes(path) ? 'directory' : FILES.includes(path) ? 'file' : undefined),
  realPath: (path) => LINKS[path] ?? ([...DIRECTORIES, ...FILES].includes(path) ? path : undefined),
};

const places = {
  name: 'workspace w',
  root: '/w/root',
  lock: '/w/lock',
  processFile: '/w/process',
  upper: '/w/layers/1',
  work: '/w/work/1',
  group: 'plinth-w',
  hosts: '/w/hosts',
  carrierPipe: '/w/carrier',
  carrierLog: '/w/carrier.log',
};

const plan = (options: Partial<WorkspaceOptions>) =>
  workspacePlan({ ...DEFAULT_WORKSPACE, network: 'none', ...options }, facts, places, { directory: '/home/ann' });

const hidden = (options: Partial<WorkspaceOptions>): string[] =>
  plan(options)
    .steps.filter(
      (step) => (step.kind === 'memory' && step.mode === 0o500) || (step.kind === 'bind' && step.from === '/dev/null'),
    )
    .map(({ at }) => at)
    .filter((at) => !at.startsWith('/dev/'));

describe('a plan of a workspace', () => {
  it('has a layer over each directory, but where something is mounted below it', () => {
    const { steps } = plan({});
    expect(steps.filter(({ kind }) => kind === 'overlay').map(({ at }) => at)).toEqual(['/srv', '/usr']);
    expect(steps).toContainEqual({ kind: 'link', at: '/bin', target: 'usr/bin' });
    expect(steps).toContainEqual({ kind: 'bind', at: '/data', from: '/data', writable: false });
    // Where there is nothing, the layer is all that there is.
    for (const [at, layer] of [
      ['/opt', 'root/opt'],
      ['/home/ann', 'home'],
    ]) {
      expect(steps).toContainEqual({ kind: 'bind', at, from: `/w/layers/1/${layer}`, writable: true });
    }
    expect(plan({ home: 'cow' }).steps).toContainEqual({
      kind: 'overlay',
      at: '/home/ann',
      lower: ['/home/ann'],
      upper: '/w/layers/1/home',
      work: '/w/work/1/home',
    });
  });

  it('hides secrets wherever they are shown, links to them too', () => {
    // The keys that a link leads to lie where everybody may look.
    expect(hidden({})).toEqual(['/srv/keys/aws']);
    const all = ['/home/ann/.ssh', '/srv/keys/aws', '/home/ann/.netrc'];
    expect(hidden({ home: 'cow' })).toEqual(all);
    expect(hidden({ folders: ['/home/ann'] })).toEqual(all);
  });

  it('shows what was asked for by name', () => {
    expect(hidden({ folders: ['/home/ann/.ssh'] })).toEqual(['/srv/keys/aws']);
    expect(hidden({ home: 'cow', folders: ['/home/ann/.ssh'] })).not.toContain('/home/ann/.ssh');
  });

  it('refuses folders that can have no layer', () => {
    for (const folder of ['/', '/proc', '/nowhere']) {
      expect(() => plan({ folders: [folder] })).toThrow(`folder ${folder}: `);
    }
  });

  it('limits processes with what there is', () => {
    expect(plan({ processes: 9 })).toMatchObject({
      limits: [{ name: 'core' }, { name: 'processes', value: 9 }],
      controlGroups: [],
    });
    expect(() => plan({ processors: 1 })).toThrow('do without --cpus');
  });
});
