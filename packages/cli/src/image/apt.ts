// SPDX-License-Identifier: Apache-2.0
// Debian's package client with a configuration of its own: another architecture, and its state, cache and sources in a
// temporary directory. The host's packages, architectures and lists are neither read nor changed; its proxies (apt.conf.d)
// and keyrings are used. Nothing unsigned is accepted: apt checks the archive's signature, and we check again that a
// downloaded package has the SHA-256 of the signed index.

import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { run } from '../host/run-command.js';
import type { CommandResult } from '../host/run-command.js';
import { makeTemporaryDirectory } from '../host/temporary.js';
import type { Progress } from '../host/progress.js';
import { debianSources, formatAptSources, parseAptSources } from './apt-sources.js';
import type { AptSource } from './apt-sources.js';
import { sha256 } from './manifest.js';

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly depends: string;
  readonly sha256: string;
  readonly size: number;
}

export class PrivateApt implements Disposable {
  readonly #directory: string;
  readonly #architecture: string;
  readonly #progress: Progress;

  constructor(architecture: string, progress: Progress) {
    this.#architecture = architecture;
    this.#progress = progress;
    this.#directory = makeTemporaryDirectory('apt');
    this.#writeConfiguration();
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #path(...parts: string[]): string {
    return join(this.#directory, ...parts);
  }

  #writeConfiguration(): void {
    const sources = debianSources(readHostSources(), releaseCodename());
    if (sources.length === 0) {
      throw new PlinthError(
        'host',
        'no-debian-sources',
        "no Debian archive among this host's apt sources (/etc/apt/sources.list, sources.list.d): add one, see sources.list(5)",
      );
    }
    // apt's download processes run as the user _apt when we are root: they must be able to enter and write here.
    chmodSync(this.#directory, 0o755);
    for (const path of ['state/lists/partial', 'cache/archives/partial', 'log', 'sources', 'preferences', 'download']) {
      mkdirSync(this.#path(path), { recursive: true });
    }
    const sandboxUser =
      process.getuid?.() === 0 ? /^_apt:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) : null;
    if (sandboxUser !== null) chownSync(this.#path('download'), Number(sandboxUser[1]), 0);
    writeFileSync(this.#path('status'), '');
    writeFileSync(this.#path('sources', 'debian.sources'), formatAptSources(sources));
    writeFileSync(this.#path('apt.conf'), configuration(this.#directory, this.#architecture));
  }

  async #apt(
    command: 'apt-get' | 'apt-cache',
    args: readonly string[],
    onLine?: (line: string) => void,
  ): Promise<CommandResult> {
    return run(command, ['-c', this.#path('apt.conf'), ...args], {
      cwd: this.#path('download'),
      environment: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      missing: 'the package client of Debian (package apt) is needed to bring guest images',
      ...(onLine === undefined ? {} : { onLine }),
    });
  }

  /** Brings the package lists. A list that fails is reported and left out; what is then missing fails in `show`. */
  async update(): Promise<void> {
    const result = await this.#apt('apt-get', ['update', '-q'], (line) => {
      if (/^(Get|Hit):/.test(line)) this.#progress.update(line.replace(/^(Get|Hit):\d+ /, ''));
    });
    // A server that cannot be reached is only a warning to apt, and its status is 0.
    const first = /^[EW]: (.*)$/m.exec(result.stderr)?.[1] ?? `apt-get update ended with status ${result.status}`;
    if (!readdirSync(this.#path('state/lists')).some((name) => name.includes('_Packages'))) {
      throw new PlinthError('host', 'apt-update', `no package list could be had: ${first}: is the network there?`);
    }
    if (result.status !== 0) this.#progress.warn(`a package list is left out: ${first}`);
  }

  /** What the signed index says about the version of `name` that apt would install. */
  async show(name: string): Promise<DebianPackage> {
    const { stdout } = await this.#apt('apt-cache', ['show', '--no-all-versions', name]);
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(stdout)?.[1] ?? '';
    if (field('Package') !== name || !/^[0-9a-f]{64}$/.test(field('SHA256'))) {
      throw new PlinthError(
        'host',
        'apt-no-package',
        `Debian's archive offers no package ${name} for ${this.#architecture} here: check the apt sources and the network`,
      );
    }
    return {
      name,
      version: field('Version'),
      depends: field('Depends'),
      sha256: field('SHA256'),
      size: Number(field('Size')),
    };
  }

  /** Downloads one package and gives the path of the .deb file, which lives until this object is disposed of. */
  async download(wanted: DebianPackage): Promise<string> {
    const args = ['download', '-q', '-o', 'APT::Status-Fd=1', `${wanted.name}=${wanted.version}`];
    const result = await this.#apt('apt-get', args, (line) => {
      const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
      if (percent !== undefined) this.#progress.update(`${wanted.name} ${wanted.version}`, Number(percent) / 100);
    });
    const files = readdirSync(this.#path('download')).filter((name) => name.startsWith(`${wanted.name}_`));
    const [file] = files;
    if (result.status !== 0 || file === undefined) {
      const error = /^E: (.*)$/m.exec(result.stderr)?.[1] ?? `apt-get ended with status ${result.status}`;
      throw new PlinthError('host', 'apt-download', `${wanted.name} could not be downloaded: ${error}`);
    }
    const path = this.#path('download', file);
    if (sha256(await readFile(path)) !== wanted.sha256) {
      throw new PlinthError('host', 'apt-checksum', `${file}: not the SHA-256 of the signed package list: try again`);
    }
    return path;
  }
}

/** The first member of a package's file system that fits the shell pattern, read without unpacking the others. */
export async function readPackageFile(debFile: string, pattern: string): Promise<Uint8Array> {
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar -xOf - --wildcards --occurrence=1 "$2"';
  const result = await run('sh', ['-c', script, 'sh', debFile, pattern], {
    environment: { LC_ALL: 'C' },
    missing: 'sh, dpkg-deb and tar are needed to unpack packages',
  });
  if (result.status !== 0 || result.output.length === 0) {
    const error = result.stderr.split('\n')[0] ?? '';
    throw new PlinthError('host', 'package-file', `${debFile}: no file ${pattern} could be read from it: ${error}`);
  }
  return result.output;
}

function releaseCodename(): string {
  try {
    return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  } catch {
    return 'stable';
  }
}

function readHostSources(): AptSource[] {
  const read = (path: string, name: string): AptSource[] => {
    try {
      return parseAptSources(readFileSync(path, 'utf8'), name);
    } catch {
      return []; // a file that we may not read, or that is not there, is no source
    }
  };
  let parts: string[] = [];
  try {
    parts = readdirSync('/etc/apt/sources.list.d').toSorted();
  } catch {
    parts = []; // the directory is optional
  }
  return [
    ...read('/etc/apt/sources.list', 'sources.list'),
    ...parts
      .filter((name) => /\.(list|sources)$/.test(name))
      .flatMap((name) => read(join('/etc/apt/sources.list.d', name), name)),
  ];
}

/**
 * Read after the host's own files, so it has the last word. The host's hooks are cleared, since they act on the host;
 * so are additional index files, which programs such as apt-file ask for.
 */
function configuration(directory: string, architecture: string): string {
  return `Dir::State "${directory}/state";
Dir::State::status "${directory}/status";
Dir::Cache "${directory}/cache";
Dir::Log "${directory}/log";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "${directory}/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "${directory}/preferences";
APT::Architecture "${architecture}";
#clear APT::Architectures;
APT::Architectures { "${architecture}"; };
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages {
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
  ShortDescription "Packages";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
  Optional "0";
};
`;
}
