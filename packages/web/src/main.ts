// SPDX-License-Identifier: Apache-2.0
// The page: wires the terminal, the buttons and the machine in its worker together.

import { PlinthError } from '@plinth/core';
import { controls } from './controls.js';
import { addKeys } from './keys.js';
import { MachineLink } from './machine-link.js';
import { type PageOptions, parsePageOptions } from './page-options.js';
import type { BootOptions, MachineState } from './protocol.js';
import { parseSite, type SiteGuest } from './site.js';
import { PageTerminal } from './terminal.js';
import { installHook } from './test-hook.js';

const SEED_BYTES = 32;

class Page {
  readonly #controls = controls();
  readonly #terminal: PageTerminal;
  readonly #link: MachineLink;
  readonly #options: PageOptions;
  readonly #base: string = new URL('.', location.href).href;
  #guest: SiteGuest | undefined;
  #state: MachineState | undefined;

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
    action().catch((error: unknown) => this.#controls.complain(error instanceof Error ? error.message : String(error)));
  }

  #listen(): void {
    const { run, reset, save, load, file, engine, terminal } = this.#controls;
    run.addEventListener('click', () => this.attempt(() => this.#startOrPause()));
    reset.addEventListener('click', () => this.attempt(() => this.#reset()));
    save.addEventListener('click', () => this.attempt(() => this.#save()));
    load.addEventListener('click', () => file.click());
    file.addEventListener('change', () => {
      const [chosen] = file.files ?? [];
      if (chosen !== undefined) this.attempt(() => this.#load(chosen));
      file.value = '';
    });
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
      const [dropped] = event.dataTransfer?.files ?? [];
      if (dropped === undefined) return;
      event.preventDefault();
      this.attempt(() => this.#load(dropped));
    });
  }

  get #engine(): BootOptions['engine'] {
    return this.#controls.engine.value === 'interpreter' ? 'interpreter' : 'translator';
  }

  async #boot(guest: SiteGuest): Promise<void> {
    const { seed, wallClock, memory, append, until } = this.#options;
    this.#terminal.clear();
    this.#terminal.say(`${guest.name} ${guest.note}`);
    this.#terminal.focus();
    await this.#link.ask({
      kind: 'boot',
      options: {
        guest,
        base: this.#base,
        engine: this.#engine,
        seed: seed ?? randomSeed(),
        wallClock: wallClock ?? Math.floor(Date.now() / 1000),
        ...(memory === undefined ? {} : { memory }),
        ...(append === undefined ? {} : { append }),
        ...(until === undefined ? {} : { until }),
      },
    });
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
        await this.#reset();
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

  async #load(file: File): Promise<void> {
    this.#controls.quiet();
    this.#controls.showProgress(`reading ${file.name}`, 0);
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      await this.#link.ask({ kind: 'load', name: file.name, bytes, engine: this.#engine });
      this.#terminal.clear();
      this.#terminal.say(`going on from ${file.name}; press Enter for a prompt`);
    } finally {
      this.#controls.hideProgress();
      this.#terminal.focus();
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
  const bytes = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function openPage(): void {
  let options: PageOptions;
  try {
    options = parsePageOptions(new URLSearchParams(location.search));
  } catch (error) {
    const view = controls();
    view.terminal.replaceChildren();
    view.showPhase(undefined);
    view.complain((error as Error).message);
    return;
  }
  const page = new Page(options);
  page.attempt(() => page.open());
}

openPage();
