// SPDX-License-Identifier: Apache-2.0
// The guest image `debian`: a small but whole Debian for armhf on a disk, made of the distribution's packages. Everything
// is built beside the cache and moved there when it is done; a download that was cut off goes on where it stopped.

import { rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from '../host/make-directory.js';
import { runInNamespace } from '../host/namespace.js';
import type { Progress } from '../host/progress.js';
import { PrivateApt } from './apt.js';
import type { DebianPackage } from './apt.js';
import { makeWorkDirectory, packagesDirectory, storeImage } from './cache.js';
import { DEBIAN_PACKAGES, debianFiles } from './debian-files.js';
import { INSTALL_SCRIPT } from './debian-install-script.js';
import { megabytes, origin } from './debian-mini.js';
import { DISK_RECIPE } from './disk-initramfs.js';
import { HostTools } from './host-tools.js';
import { prepareKernel } from './kernel-kit.js';
import { checkDiskScript, DEFAULT_DISK_SIZE, diskEnvironment } from './make-disk.js';
import type { Manifest } from './manifest.js';

const NAME = 'debian';

export async function pullDebian(progress: Progress, diskSize: number = DEFAULT_DISK_SIZE): Promise<Manifest> {
  using tools = new HostTools(progress);
  const work = makeWorkDirectory();
  const mke2fs = await tools.find('mke2fs');
  const disk = join(work, 'disk.img');
  const environment = diskEnvironment(join(work, 'root'), disk, diskSize, mke2fs);
  const emulator = await tools.find('qemu-arm-static');
  using apt = new PrivateApt('armhf', progress, { archives: packagesDirectory() });
  progress.step("Reading Debian's package lists for armhf");
  await apt.update();
  const first = await apt.resolve(['?essential', 'usr-is-merged']);
  const packages = await apt.resolve(DEBIAN_PACKAGES);
  const size = packages.reduce((sum, one) => sum + one.size, 0);
  progress.step(`Downloading ${packages.length} packages (${megabytes(size)})`);
  const files = inOrder((await apt.downloadAll(packages)).map((file) => basename(file)));
  const kernel = await prepareKernel(apt, tools, work, progress);
  for (const { path, mode, text } of debianFiles(apt.sources)) {
    const file = join(work, 'files', path);
    makeDirectory(dirname(file));
    writeFileSync(file, text, { mode });
  }
  const states = join(work, 'extended_states');
  writeFileSync(states, extendedStates(packages));
  const names = new Set(first.map(({ name }) => name));
  const result = await runInNamespace(INSTALL_SCRIPT, {
    environment: {
      ...environment,
      ARCHIVES: packagesDirectory(),
      FIRST: files.filter((file) => names.has(file.slice(0, file.indexOf('_')))).join(' '),
      PACKAGES: files.join(' '),
      FILES: join(work, 'files'),
      MODULES: kernel.modules,
      EMULATOR: emulator.path,
      STATES: states,
    },
    onLine: installationProgress(progress, packages.length),
  });
  checkDiskScript(result, NAME);
  progress.step('Checking the image');
  const manifest = await storeImage(
    { name: NAME, recipe: DISK_RECIPE, packages: [...kernel.packages, ...packages].map(origin) },
    kernel.files,
    disk,
  );
  rmSync(work, { recursive: true, force: true });
  progress.done();
  return manifest;
}

/** base-passwd and base-files make the users and the directories that other packages' scripts expect. */
function inOrder(files: readonly string[]): string[] {
  const early = ['base-passwd_', 'base-files_'];
  const rank = (file: string): number => {
    const index = early.findIndex((prefix) => file.startsWith(prefix));
    return index < 0 ? early.length : index;
  };
  return files.toSorted((one, other) => rank(one) - rank(other));
}

/** What nobody asked for by name goes when nothing needs it any more, as if apt had installed it. */
function extendedStates(packages: readonly DebianPackage[]): string {
  return packages
    .filter(({ name }) => !DEBIAN_PACKAGES.includes(name))
    .map(({ name }) => `Package: ${name}\nArchitecture: armhf\nAuto-Installed: 1\n\n`)
    .join('');
}

/** From the script's lines and dpkg's (`status: PACKAGE: STATE`, see dpkg(1) --status-fd). */
function installationProgress(progress: Progress, total: number): (line: string) => void {
  const done = new Set<string>();
  return (line) => {
    if (line.startsWith('step ')) {
      progress.step(line.slice('step '.length));
      done.clear();
    }
    const [, name] = /^status: ([^:]+)(?::\w+)?: (?:unpacked|installed)/.exec(line) ?? [];
    if (name === undefined) return;
    done.add(name);
    progress.update(name, Math.min(1, done.size / total));
  };
}
