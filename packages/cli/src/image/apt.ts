// SPDX-License-Identifier: Apache-2.0
// Debian's package client with a configuration of its own: another architecture, and its state, cache and sources in a
// temporary directory. The host's packages, architectures and lists are neither read nor changed; its proxies (apt.conf.d)
// and keyrings are used. Nothing unsigned is accepted: apt checks the archive's signature, and we check again that a
// downloaded package has the SHA-256 of the signed index.

import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlinthError } from '@plinth/core';
import { cacheWriteFailure } from '../host/reason.js';
import { makeDirectory } from '../host/make-directory.js';
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
  readonly architecture: string;
  readonly depends: string;
  readonly preDepends: string;
  readonly provides: string;
  readonly sha256: string;
  readonly size: number;
}

/** A package that is a file of this host. */
export interface LocalPackage {
  readonly name: string;
  readonly version: string;
  /** Absolute. */
  readonly path: string;
}

export interface AptOptions {
  /** Where packages are kept from one run to the next; downloads that were cut off are continued there. */
  readonly archives?: string;
  /** dpkg's status file to start from; without it nothing is installed yet. It is only read. */
  readonly status?: string;
}

export class PrivateApt implements Disposable {
  readonly #directory: string;
  readonly #architecture: string;
  readonly #progress: Progress;
  readonly #options: AptOptions;
  readonly #sources: readonly AptSource[];

  constructor(architecture: string, progress: Progress, options: AptOptions = {}) {
    this.#architecture = architecture;
    this.#progress = progress;
    this.#options = options;
    this.#directory = makeTemporaryDirectory('apt');
    this.#sources = debianSources(readHostSources(), releaseCodename());
    this.#writeConfiguration();
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The Debian archives that packages come from: those of the host. */
  get sources(): readonly AptSource[] {
    return this.#sources;
  }

  #path(...parts: string[]): string {
    return join(this.#directory, ...parts);
  }

  #writeConfiguration(): void {
    if (this.#sources.length === 0) {
      throw new PlinthError(
        'host',
        'no-debian-sources',
        "no Debian archive among this host's apt sources (/etc/apt/sources.list, sources.list.d): add one, see sources.list(5)",
      );
    }
    // apt's download processes run as the user _apt when we are root: they must be able to enter and write here.
    chmodSync(this.#directory, 0o755);
    for (const path of ['state/lists/partial', 'cache/archives/partial', 'log', 'sources', 'preferences', 'download']) {
      makeDirectory(this.#path(path));
    }
    const sandboxUser =
      process.getuid?.() === 0 ? /^_apt:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) : null;
    if (sandboxUser !== null) chownSync(this.#path('download'), Number(sandboxUser[1]), 0);
    writeFileSync(this.#path('status'), '');
    writeFileSync(this.#path('sources', 'debian.sources'), formatAptSources(this.#sources));
    const { archives, status } = this.#options;
    if (archives !== undefined) makeArchives(archives);
    writeFileSync(
      this.#path('apt.conf'),
      configuration({
        directory: this.#directory,
        architecture: this.#architecture,
        archives: archives ?? this.#path('cache', 'archives'),
        status: status ?? this.#path('status'),
      }),
    );
  }

  async #apt(
    command: 'apt-get' | 'apt-cache',
    args: readonly string[],
    onLine?: (line: string) => void,
  ): Promise<CommandResult> {
    const { archives = this.#directory } = this.#options;
    return run(command, ['-c', this.#path('apt.conf'), ...args], {
      watch: fullDiskWatch([this.#directory, archives]),
      cwd: this.#path('download'),
      environment: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      missing: 'the package client of Debian (package apt) is needed to bring packages',
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
    const one = parseStanza(stdout);
    if (one?.name !== name) {
      throw new PlinthError(
        'host',
        'apt-no-package',
        `Debian's archive offers no package ${name} for ${this.#architecture} here: check the apt sources and the network`,
      );
    }
    return one;
  }

  /**
   * All packages that an installation of `names` would bring, recommended ones left out. The names may be any patterns
   * of apt (apt-patterns(7)). `files` are packages that are here, absolute paths; they are not among the result.
   */
  async resolve(names: readonly string[], files: readonly LocalPackage[] = []): Promise<DebianPackage[]> {
    const wanted = [...names, ...files.map(({ path }) => path)];
    const result = await this.#apt('apt-get', [...INSTALL, '--simulate', '-qq', ...wanted]);
    if (result.status !== 0) {
      const error = firstError(result) ?? `apt-get ended with status ${result.status}`;
      throw new PlinthError('host', 'apt-resolve', `the packages do not fit together: ${error}`);
    }
    const here = new Set(files.map(({ name, version }) => `${name}=${version}`));
    const versions = [...result.stdout.matchAll(/^Inst ([^\s:]+)\S* (?:\[\S+\] )?\((\S+) /gm)]
      .map(([, name = '', version = '']) => `${name}=${version}`)
      .filter((version) => !here.has(version));
    if (versions.length === 0) return [];
    const { stdout } = await this.#apt('apt-cache', ['show', ...versions]);
    const found = new Map<string, DebianPackage>();
    for (const stanza of stdout.split(/\n\n+/)) {
      const one = parseStanza(stanza);
      if (one !== undefined) found.set(`${one.name}=${one.version}`, one);
    }
    return versions.map((version) => {
      const one = found.get(version);
      if (one === undefined) {
        throw new PlinthError('host', 'apt-no-package', `${version}: not in the signed package list: try again`);
      }
      return one;
    });
  }

  /**
   * Downloads packages into the archives directory and gives their files, in order. A file that is there already is
   * taken if it is the right one, and a download that was cut off is continued.
   */
  async downloadAll(packages: readonly DebianPackage[]): Promise<string[]> {
    const archives = this.#options.archives ?? this.#path('cache', 'archives');
    const files = packages.map((one) => join(archives, archiveName(one)));
    // apt takes a file of the right size for the right file.
    for (const [index, file] of files.entries())
      if (!(await isIntact(file, packages[index]!))) rmSync(file, { force: true });
    const names = packages.map(({ name, version }) => `${name}=${version}`);
    const args = [...INSTALL, '--download-only', '-q', '-o', 'APT::Status-Fd=1', ...names];
    const result = await this.#apt('apt-get', args, (line) => {
      const [, percent, text] = /^dlstatus:\d+:([\d.]+):(.*)/.exec(line) ?? [];
      if (percent !== undefined) this.#progress.update(text ?? '', Number(percent) / 100);
    });
    if (result.status !== 0) {
      const error = firstError(result) ?? `apt-get ended with status ${result.status}`;
      throw new PlinthError('host', 'apt-download', `packages could not be downloaded: ${error}`);
    }
    for (const [index, file] of files.entries()) {
      if (await isIntact(file, packages[index]!)) continue;
      rmSync(file, { force: true });
      throw new PlinthError('host', 'apt-checksum', `${file}: not the SHA-256 of the signed package list: try again`);
    }
    return files;
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
      const error = firstError(result) ?? `apt-get ended with status ${result.status}`;
      throw new PlinthError('host', 'apt-download', `${wanted.name} could not be downloaded: ${error}`);
    }
    const path = this.#path('download', file);
    if (sha256(await readFile(path)) !== wanted.sha256) {
      throw new PlinthError('host', 'apt-checksum', `${file}: not the SHA-256 of the signed package list: try again`);
    }
    return path;
  }
}

/** Bytes below which a disk counts as full. */
const FULL = 1024 * 1024;
/** Seconds after which apt would have said so. */
const PATIENCE = 8;

/** apt's download processes may wait for ever when a disk is full. */
function fullDiskWatch(directories: readonly string[]): () => void {
  const full = new Map<string, number>();
  return () => {
    for (const directory of directories) {
      const { bavail, bsize } = statfsSync(directory);
      const times = bavail * bsize < FULL ? (full.get(directory) ?? 0) + 1 : 0;
      full.set(directory, times);
      if (times < PATIENCE) continue;
      throw new PlinthError(
        'host',
        'no-space',
        `${directory}: the host’s disk is full: package lists need some 100 MB`,
      );
    }
  };
}

const INSTALL = ['install', '--yes', '--no-install-recommends'];

function parseStanza(stanza: string): DebianPackage | undefined {
  const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
  if (!/^[0-9a-f]{64}$/.test(field('SHA256'))) return undefined;
  return {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture'),
    depends: field('Depends'),
    preDepends: field('Pre-Depends'),
    provides: field('Provides'),
    sha256: field('SHA256'),
    size: Number(field('Size')),
  };
}

/** As apt names the file: a colon of the version cannot stand in it. */
function archiveName({ name, version, architecture }: DebianPackage): string {
  return `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;
}

async function isIntact(file: string, { size, sha256: wanted }: DebianPackage): Promise<boolean> {
  try {
    return statSync(file).size === size && sha256(await readFile(file)) === wanted;
  } catch {
    return false; // it is not there
  }
}

function firstError(result: CommandResult): string | undefined {
  return /^E: (.*)$/m.exec(result.stderr)?.[1];
}

function makeArchives(path: string): void {
  try {
    makeDirectory(join(path, 'partial'));
  } catch (cause) {
    throw cacheWriteFailure(path, cause);
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
function configuration(paths: {
  readonly directory: string;
  readonly architecture: string;
  readonly archives: string;
  readonly status: string;
}): string {
  const { directory, architecture } = paths;
  return `Dir::State "${directory}/state";
Dir::State::status "${paths.status}";
Dir::Cache "${directory}/cache";
Dir::Cache::archives "${paths.archives}";
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
