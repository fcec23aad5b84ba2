// SPDX-License-Identifier: Apache-2.0
// Which of the packages that an installation would bring a program needs to run: those that lead from it by Depends and Pre-Depends
// (Debian Policy 7), without what only configures an installed system.

/** They run maintainer scripts, or are what such scripts need; whatever depends on them runs without. */
const ONLY_CONFIGURE = new Set([
  'adduser',
  'debconf',
  'debianutils',
  'dpkg',
  'init-system-helpers',
  'install-info',
  'lsb-base',
  'menu',
  'passwd',
  'sysvinit-utils',
  'ucf',
]);

export interface Dependent {
  readonly name: string;
  readonly depends: string;
  readonly preDepends: string;
  readonly provides: string;
}

/** Of `packages` those that `names` lead to, in their order. What is named is taken, whatever it is. */
export function neededPackages<T extends Dependent>(packages: readonly T[], names: readonly string[]): T[] {
  const providers = new Map<string, T[]>();
  for (const one of packages)
    for (const name of [one.name, ...namesOf(one.provides)]) providers.set(name, [...(providers.get(name) ?? []), one]);
  const needed = new Set<T>();
  const todo = packages.filter(({ name }) => names.includes(name));
  for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
    if (needed.has(one)) continue;
    needed.add(one);
    for (const name of [...namesOf(one.preDepends), ...namesOf(one.depends)])
      todo.push(...(providers.get(name) ?? []).filter((found) => !ONLY_CONFIGURE.has(found.name)));
  }
  return packages.filter((one) => needed.has(one));
}

/** `a (>= 1), b:any | c` are a, b and c. */
function namesOf(relation: string): string[] {
  return relation
    .split(/[,|]/)
    .map((one) => /^\s*([a-z0-9][a-z0-9.+-]*)/.exec(one)?.[1] ?? '')
    .filter((name) => name !== '');
}
