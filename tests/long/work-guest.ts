// SPDX-License-Identifier: Apache-2.0
// A Debian root with a compiler, Python and its tests, OpenSSL and SQLite, and the source of a C program: made once of
// Debian's packages (only unpacked, nothing of them is configured) into the cache, and imported as an image. The same
// tree runs under qemu-user on the host, for comparison. Needs root, apt and a user namespace.

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostTools, PrivateApt, runInNamespace } from '@plinth/cli';
import type { Progress } from '@plinth/cli';
import { missingImage, PLINTH, plinth } from '../boot/guest.js';
import { missingUserNamespaces } from '../setup/namespaces.js';

export const IMAGE = 'test-work';
/** Its source package. Of the same release as the compiler, so its upstream tests have passed with it. */
const PROGRAM = 'bzip2';
const SOURCES = `/usr/src/${PROGRAM}`;
const PACKAGES = [
  '?essential',
  'usr-is-merged',
  'gcc',
  'libc6-dev',
  'libpython3.11-testsuite',
  'make',
  'netbase',
  'openssl',
  'procps',
  'python3',
  'sqlite3',
];
/** Changes with what is below, so that an older tree is not used. */
const RECIPE = 1;
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost plinth\n::1 localhost\n',
  'etc/hostname': 'plinth\n',
};
const QUIET: Progress = { step() {}, update() {}, done() {}, warn() {} };

const UNPACK = `set -eu
for file in "$@"; do
  dpkg-deb --fsys-tarfile "$file" | tar -x --keep-directory-symlink -f - -C "$TREE" --exclude=./usr/share/doc \
    --exclude=./usr/share/info --exclude=./usr/share/locale --exclude=./usr/share/man
done`;

/** Builds with Debian's compiler, runs the program's own tests, and prints what came of it. */
export const BUILD_AND_TEST = `set -e
cd ${SOURCES}
cat *.c *.h | wc -l
make CFLAGS='-Wall -O2 -D_FILE_OFFSET_BITS=64' libbz2.a bzip2 bzip2recover
make test
sha256sum *.o libbz2.a bzip2 bzip2recover
`;

function cacheDirectory(): string {
  return join(plinth('image', 'path', 'debian-mini').stdout.trim(), '../..');
}

/** The unpacked root on the host. */
export function treeDirectory(): string {
  return join(cacheDirectory(), 'test-work', `tree-${RECIPE}`);
}

/** Why the guest cannot be had; makes it if it is not here. */
export async function missingWorkGuest(): Promise<string | undefined> {
  if (process.env['PLINTH_LONG'] !== '1') return 'minutes long: set PLINTH_LONG=1';
  if (process.getuid?.() !== 0) return 'only root can build an image with a disk';
  const missing = missingUserNamespaces() ?? missingImage();
  if (missing !== undefined) return missing;
  try {
    if (!existsSync(treeDirectory())) await makeTree();
    if (plinth('image', 'path', IMAGE).status !== 0) importTree();
    return undefined;
  } catch (error) {
    return `no root with a compiler: ${(error as Error).message}`;
  }
}

async function makeTree(): Promise<void> {
  const parent = join(cacheDirectory(), 'test-work');
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, 'fetch-'));
  try {
    using apt = new PrivateApt('armhf', QUIET, { archives: join(cacheDirectory(), 'packages') });
    await apt.update();
    const files = await apt.downloadAll(await apt.resolve(PACKAGES));
    const tree = join(work, 'tree');
    for (const name of ['bin', 'sbin', 'lib']) {
      mkdirSync(join(tree, 'usr', name), { recursive: true });
      symlinkSync(`usr/${name}`, join(tree, name));
    }
    run('sh', ['-c', UNPACK, 'sh', ...files], work, { TREE: tree });
    for (const [path, text] of Object.entries(FILES)) writeFileSync(join(tree, path), text);
    mkdirSync(join(tree, SOURCES), { recursive: true });
    chmodSync(join(tree, 'tmp'), 0o1777);
    fetchSource(apt, work);
    run(
      'sh',
      ['-c', `tar -x -f ${PROGRAM}_*.orig.tar.* -C "tree${SOURCES}" --strip-components=1 --no-same-owner`],
      work,
    );
    rmSync(treeDirectory(), { recursive: true, force: true });
    renameSync(tree, treeDirectory());
    plinth('image', 'rm', IMAGE); // of an older tree
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** With package lists of our own: hosts seldom ask for those of sources. apt checks the signatures. */
function fetchSource(apt: PrivateApt, work: string): void {
  for (const path of ['state/lists/partial', 'cache', 'parts']) mkdirSync(join(work, path), { recursive: true });
  const sources = apt.sources.map(({ uris, suites, signedBy }) => {
    const by = signedBy === undefined ? '' : `Signed-By: ${signedBy}\n`;
    return `Types: deb-src\nURIs: ${uris.join(' ')}\nSuites: ${suites.join(' ')}\nComponents: main\n${by}`;
  });
  writeFileSync(join(work, 'parts/debian.sources'), sources.join('\n'));
  const own = [`Dir::State::Lists=${join(work, 'state/lists')}`, `Dir::Cache=${join(work, 'cache')}`];
  own.push('Dir::Etc::SourceList=/dev/null', `Dir::Etc::SourceParts=${join(work, 'parts')}`, 'APT::Sandbox::User=root');
  const options = ['-qq', ...own.flatMap((one) => ['-o', one])];
  // A suite whose mirror is being renewed fails alone; what is then missing fails below.
  spawnSync('apt-get', [...options, 'update'], { cwd: work });
  run('apt-get', [...options, 'source', '--download-only', PROGRAM], work);
}

function importTree(): void {
  const work = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  try {
    const archive = join(work, 'root.tar');
    run('tar', ['-c', '-f', archive, '--owner=0', '--group=0', '-C', treeDirectory(), '.'], work);
    const { status, stderr } = plinth('image', 'import', IMAGE, archive, '--force');
    if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function run(tool: string, args: string[], cwd: string, environment: Record<string, string> = {}): void {
  const { status, stderr, error } = spawnSync(tool, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', ...environment },
  });
  if (status !== 0) throw new Error(`${tool}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
}

export interface GuestOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `plinth` with no limit of time, and without holding up the test runner. */
export async function plinthAsync(...args: string[]): Promise<GuestOutcome> {
  const child = spawn(process.execPath, [PLINTH, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stdout, stderr };
}

/** What a command prints in the guest; whatever else happens is an error. */
export async function inGuest(command: string): Promise<string> {
  const { status, stdout, stderr } = await plinthAsync('run', '--image', IMAGE, '--memory', '512M', '--exec', command);
  if (status !== 0) throw new Error(`status ${status} after:\n${stdout.slice(-8000)}\n${stderr.slice(-4000)}`);
  return stdout;
}

/** The same tree under qemu-user; its changes are forgotten. */
const EMULATE = String.raw`set -eu
mount -t tmpfs -o size=900m tmpfs "$WORK"
cp -a "$TREE/." "$WORK"
mkdir -p "$WORK/proc" "$WORK/dev"
mount -t proc proc "$WORK/proc"
mount -t tmpfs tmpfs "$WORK/dev"
for device in null zero full random urandom; do
  : >"$WORK/dev/$device"
  mount --bind "/dev/$device" "$WORK/dev/$device"
done
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
# ELF, 32-bit, little-endian, machine 40 (ARM). F: the emulator is opened outside of the new root.
printf '%s' ':plinth-arm:M::\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$EMULATOR"':FP' >/proc/sys/fs/binfmt_misc/register
exec chroot "$WORK" /bin/sh -c "$COMMAND"
`;

/** What a command prints on the host, its ARM programs run by qemu-user. */
export async function underQemuUser(command: string): Promise<string> {
  using tools = new HostTools(QUIET);
  const emulator = await tools.find('qemu-arm-static');
  const work = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  const lines: string[] = [];
  try {
    const environment = { TREE: treeDirectory(), WORK: work, EMULATOR: emulator.path, COMMAND: command };
    const { status, tail } = await runInNamespace(EMULATE, { environment, onLine: (line) => lines.push(`${line}\n`) });
    if (status !== 0) throw new Error(`status ${status} under qemu-user:\n${tail.join('\n')}`);
    return lines.join('');
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
