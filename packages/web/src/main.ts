// SPDX-License-Identifier: Apache-2.0
// The page: wires the terminal, the buttons and the machine in its worker together.

import { isSections, PlinthError, toHex } from '@plinth/core';
import { controls } from './controls.js';
import { DiskDialog } from './disk-dialog.js';
import { addKeys } from './keys.js';
import { MachineLink } from './machine-link.js';
import { type PageOptions, parsePageOptions } from './page-options.js';
import { type BootOptions, type LoadAnswer, type MachineState, startsBooted } from './protocol.js';
import { parseSite, type SiteGuest } from './site.js';
import { PageTerminal } from './terminal.js';
import { installHook } from './test-hook.js';
import { matchFiles, type WantedFile } from './wanted-files.js';

const SEED_BYTES = 32;
const BOOTED_NOTE = 'was booted ahead of time; Reboot boots it here';

class Page {
  readonly #controls = controls();
  readonly #terminal: PageTerminal;
  readonly #link: MachineLink;
  readonly #options: PageOptions;
  readonly #base: string = new URL('.', location.href).href;
  readonly #dialog: DiskDialog = new DiskDialog();
  #guest: SiteGuest | undefined;
  #state: MachineState | undefined;
  /** The machine is the site's guest, not one that was loaded. */
  #isGuest: boolean = true;
  /** For the next boot. */
  #disks: readonly File[] = [];

  constructor(options: PageOptions) {
    this.#options = options;
    const { terminal, engine } = this.#controls;
    this.#terminal = new PageTerminal(terminal, {
      typed: (bytes) => this.#link.input(bytes),
      shown: (bytes) => this.#link.shown(bytes),
      resized: (size) => this.#link.resized(size),
    });
    this.#link = new MachineLink({
      output: (bytes) => this.#terminal.write(bytes),
      state: (state) => this.#show(state),
      progress: (text, fraction) => this.#controls.showProgress(text, fraction),
      finding: (message) => this.#controls.complain(message),
      broken: (message) => this.#controls.complain(message),
    });
    this.#link.resized(this.#terminal.size);
    engine.value = options.engine;
    addKeys(this.#controls.keys, this.#terminal);
    this.#listen();
    installHook({ link: this.#link, terminal: this.#terminal, state: () => this.#state });
  }

  async open(): Promise<void> {
    const site = parseSite(await fetchJson(new URL('site.json', this.#base)));
    const wanted = this.#options.guest ?? site.guests[0]?.name;
    this.#guest = site.guests.find(({ name }) => name === wanted);
    if (this.#guest === undefined) {
      const known = site.guests.map(({ name }) => name).join(', ') || 'none';
      throw new PlinthError('input', 'page-guest', `?guest: there is no guest "${wanted}" here; there is ${known}`);
    }
    this.#controls.name.textContent = this.#guest.name;
    if (this.#options.paused) this.#controls.showPhase(undefined);
    else await this.#boot(this.#guest);
  }

  /** Runs an action of the user's; what goes wrong is told. */
  attempt(action: () => Promise<unknown>): void {
    action()
      .catch((error: unknown) => this.#controls.complain(error instanceof Error ? error.message : String(error)))
      .finally(() => this.#controls.hideProgress());
  }

  #listen(): void {
    const { run, reset, save, load, file, disks, engine, terminal } = this.#controls;
    run.addEventListener('click', () => this.attempt(() => this.#startOrPause()));
    reset.addEventListener('click', () => this.attempt(() => this.#reset()));
    save.addEventListener('click', () => this.attempt(() => this.#save()));
    load.addEventListener('click', () => file.click());
    file.addEventListener('change', () => {
      const chosen = [...(file.files ?? [])];
      file.value = '';
      if (chosen.length > 0) this.attempt(() => this.#take(chosen));
    });
    disks.addEventListener('click', () => this.attempt(() => this.#chooseDisks([])));
    engine.addEventListener('change', () => this.attempt(() => this.#changeEngine()));
    const carriesFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    addEventListener('dragover', (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      terminal.classList.add('drop');
    });
    addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) terminal.classList.remove('drop');
    });
    addEventListener('drop', (event) => {
      terminal.classList.remove('drop');
      const dropped = [...(event.dataTransfer?.files ?? [])];
      if (dropped.length === 0) return;
      event.preventDefault();
      if (!this.#dialog.take(dropped)) this.attempt(() => this.#take(dropped));
    });
  }

  get #engine(): BootOptions['engine'] {
    return this.#controls.engine.value === 'interpreter' ? 'interpreter' : 'translator';
  }

  async #boot(guest: SiteGuest): Promise<void> {
    if (guest.disk !== undefined && this.#disks.length === 0) {
      const chosen = await this.#askForSystem(guest, guest.disk);
      if (chosen === undefined) {
        this.#controls.showPhase(this.#state);
        return;
      }
      this.#disks = chosen;
    }
    this.#isGuest = true;
    const options = this.#bootOptions(guest);
    this.#terminal.clear();
    this.#terminal.say(`${guest.name} ${startsBooted(options) ? BOOTED_NOTE : guest.note}`);
    this.#terminal.focus();
    await this.#link.ask({ kind: 'boot', options });
  }

  #bootOptions(guest: SiteGuest): BootOptions {
    const { seed, wallClock, memory, append, until, cold } = this.#options;
    return {
      guest,
      base: this.#base,
      engine: this.#engine,
      seed: seed ?? randomSeed(),
      wallClock: wallClock ?? Math.floor(Date.now() / 1000),
      cold,
      disks: this.#disks,
      ...(memory === undefined ? {} : { memory }),
      ...(append === undefined ? {} : { append }),
      ...(until === undefined ? {} : { until }),
    };
  }

  #askForSystem(guest: SiteGuest, disk: NonNullable<SiteGuest['disk']>): Promise<readonly File[] | undefined> {
    const size = `${(disk.bytes / 1e9).toFixed(1)} GB`;
    return this.#dialog.ask({
      title: `${guest.name} needs its disk`,
      text: `Its system is on a disk of ${size}: “ls $(plinth image path ${guest.name})” shows where the file is.`,
      action: 'Start',
      places: [disk.name],
      files: [],
    });
  }

  /** Disks for a guest that boots anew. */
  async #chooseDisks(added: readonly File[]): Promise<void> {
    const guest = this.#guest;
    if (guest === undefined) return;
    this.#controls.quiet();
    const chosen = await this.#dialog.ask({
      title: 'Disks',
      text: `${guest.name} boots anew with these images as disks, the first as /dev/vda, if its kernel has a driver for virtio.`,
      action: `Boot ${guest.name}`,
      files: [...this.#disks, ...added],
    });
    if (chosen === undefined) return;
    this.#disks = chosen;
    await this.#boot(guest);
  }

  async #startOrPause(): Promise<void> {
    this.#controls.quiet();
    this.#terminal.focus();
    switch (this.#state?.phase) {
      case 'running':
        await this.#link.ask({ kind: 'pause' });
        break;
      case 'paused':
        await this.#link.ask({ kind: 'resume' });
        break;
      case 'ended':
        if (this.#isGuest && this.#guest !== undefined) await this.#boot(this.#guest);
        else await this.#reset();
        break;
      default:
        if (this.#guest === undefined) location.reload();
        else await this.#boot(this.#guest);
    }
  }

  async #reset(): Promise<void> {
    this.#controls.quiet();
    this.#terminal.clear();
    this.#terminal.focus();
    await this.#link.ask({ kind: 'reset' });
  }

  async #changeEngine(): Promise<void> {
    this.#controls.quiet();
    this.#terminal.focus();
    const { phase, engine } = this.#state ?? {};
    if (phase === undefined || phase === 'empty') return; // it is asked for at the start
    try {
      await this.#link.ask({ kind: 'engine', engine: this.#engine });
    } catch (error) {
      this.#controls.engine.value = engine ?? this.#options.engine;
      throw error;
    }
  }

  async #save(): Promise<void> {
    this.#controls.quiet();
    const { name = 'machine', instructions = 0 } = this.#state ?? {};
    this.#controls.showProgress('packing a snapshot', 0);
    try {
      const pieces = (await this.#link.ask({ kind: 'save' })) as Uint8Array<ArrayBuffer>[];
      const stem = name.replace(/(-\d+M)?\.plinth$/, '').replace(/[^\w.-]/g, '_');
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob(pieces, { type: 'application/octet-stream' }));
      link.download = `${stem}-${Math.floor(instructions / 1e6)}M.plinth`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } finally {
      this.#controls.hideProgress();
      this.#terminal.focus();
    }
  }

  /** What the user has chosen or dropped: a snapshot, files of its disks, or disks for a boot. */
  async #take(files: readonly File[]): Promise<void> {
    const heads = await Promise.all(files.map((file) => file.slice(0, 16).arrayBuffer()));
    const at = heads.findIndex((head) => isSections(new Uint8Array(head)));
    const snapshot = files[at];
    const others = files.filter((_, n) => n !== at);
    if (snapshot !== undefined) await this.#load(snapshot, others);
    else await this.#chooseDisks(files);
  }

  async #load(file: File, others: readonly File[]): Promise<void> {
    this.#controls.quiet();
    this.#controls.showProgress(`reading ${file.name}`, 0);
    try {
      const answer = (await this.#link.ask({ kind: 'load', file, engine: this.#engine })) as LoadAnswer;
      this.#controls.hideProgress();
      const notes = answer.kind === 'going-on' ? answer.notes : await this.#goOn(file, answer.files, others);
      if (notes === undefined) return;
      this.#isGuest = false;
      this.#terminal.clear();
      this.#terminal.say(`going on from ${file.name}; press Enter for a prompt`);
      for (const note of notes) this.#terminal.say(note);
    } finally {
      this.#terminal.focus();
    }
  }

  /** Asks for the files of a snapshot's disks until the machine goes on with them, or the user gives it up. */
  async #goOn(
    { name }: File,
    wanted: readonly WantedFile[],
    others: readonly File[],
  ): Promise<readonly string[] | undefined> {
    let files: readonly (File | undefined)[] = matchFiles(wanted, others);
    let error: string | undefined;
    for (;;) {
      if (error !== undefined || files.includes(undefined)) {
        const chosen = await this.#dialog.ask({
          title: `${name} needs its ${wanted.length === 1 ? 'disk' : 'disks'}`,
          text: 'The machine goes on with the files that it was saved with, as they were then.',
          action: 'Go on',
          places: wanted.map((file) => file.name),
          files,
          ...(error === undefined ? {} : { error }),
        });
        if (chosen === undefined) return undefined;
        files = chosen;
      }
      try {
        const request = { kind: 'go-on', files: files as readonly File[], engine: this.#engine } as const;
        const answer = (await this.#link.ask(request)) as LoadAnswer;
        return answer.kind === 'going-on' ? answer.notes : [];
      } catch (reason) {
        error = reason instanceof Error ? reason.message : String(reason);
      } finally {
        this.#controls.hideProgress();
      }
    }
  }

  #show(state: MachineState): void {
    const before = this.#state;
    this.#state = state;
    this.#controls.show(state);
    if (state.phase === 'ended' && before?.phase !== 'ended') {
      this.#terminal.say(`${state.reason ?? 'the machine stands still'}; Start powers it on again`);
    }
  }
}

async function fetchJson(url: URL): Promise<unknown> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`.trim());
    return await response.json();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PlinthError('input', 'site-fetch', `site.json: cannot be loaded: ${why}`, { cause });
  }
}

function randomSeed(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(SEED_BYTES)));
}

function openPage(): void {
  let options: PageOptions;
  try {
    options = parsePageOptions(new URLSearchParams(location.search));
  } catch (error) {
    const view = controls();
    view.terminal.replaceChildren();
    view.showPhase(undefined);
    // Nobody listens to them.
    for (const control of [view.run, view.load, view.disks, view.engine]) control.disabled = true;
    view.complain((error as Error).message);
    return;
  }
  const page = new Page(options);
  page.attempt(() => page.open());
}

openPage();
