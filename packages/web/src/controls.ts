// SPDX-License-Identifier: Apache-2.0
// The page's elements around the terminal, and how they show a machine's state.

import type { MachineState, Phase } from './protocol.js';

export interface Controls {
  readonly run: HTMLButtonElement;
  readonly reset: HTMLButtonElement;
  readonly save: HTMLButtonElement;
  readonly load: HTMLButtonElement;
  readonly file: HTMLInputElement;
  readonly disks: HTMLButtonElement;
  readonly engine: HTMLSelectElement;
  readonly terminal: HTMLElement;
  readonly keys: HTMLElement;
  readonly name: HTMLElement;
  show(state: MachineState): void;
  showPhase(state: MachineState | undefined): void;
  showProgress(text: string, fraction: number): void;
  hideProgress(): void;
  complain(message: string): void;
  /** Takes the last complaint away. */
  quiet(): void;
}

/** A machine that sleeps for most of the time is said to wait. */
const BUSY = 0.5;
const LABELS: Readonly<Record<Phase, string>> = {
  empty: 'off',
  loading: 'loading',
  running: 'running',
  paused: 'paused',
  ended: 'stopped',
};

export function controls(): Controls {
  const run = element('run', HTMLButtonElement);
  const reset = element('reset', HTMLButtonElement);
  const save = element('save', HTMLButtonElement);
  const phase = element('phase', HTMLElement);
  const progress = element('progress', HTMLElement);
  const bar = element('progress-bar', HTMLProgressElement);
  const message = element('message', HTMLElement);
  const quiet = (): void => {
    message.hidden = true;
  };
  const hideProgress = (): void => {
    progress.hidden = true;
  };
  const engine = element('engine', HTMLSelectElement);
  const load = element('load', HTMLButtonElement);
  const disks = element('disks', HTMLButtonElement);
  element('message-close', HTMLButtonElement).addEventListener('click', quiet);

  const showPhase = (state: MachineState | undefined): void => {
    const now = state?.phase ?? 'empty';
    const waits = now === 'running' && state!.busy < BUSY;
    setText(phase, waits ? 'waiting' : LABELS[now]);
    phase.dataset['phase'] = now;
    setText(run, now === 'running' ? 'Pause' : 'Start');
    run.disabled = now === 'loading';
    reset.disabled = save.disabled = now === 'empty' || now === 'loading';
    load.disabled = disks.disabled = engine.disabled = now === 'loading';
  };

  return {
    run,
    reset,
    save,
    load,
    file: element('file', HTMLInputElement),
    disks,
    engine,
    terminal: element('terminal', HTMLElement),
    keys: element('keys', HTMLElement),
    name: element('name', HTMLElement),
    show(state) {
      showPhase(state);
      if (state.phase !== 'loading' && state.phase !== 'empty') engine.value = state.engine;
      if (state.name !== '') setText(element('name', HTMLElement), state.name);
      setText(element('instructions', HTMLElement), count(state.instructions));
      setText(element('speed', HTMLElement), state.phase === 'running' ? state.speed.toFixed(1) : '0.0');
      setText(element('time', HTMLElement), `${(state.virtualTime / 1e9).toFixed(1)} s`);
    },
    showPhase,
    showProgress(text, fraction) {
      progress.hidden = false;
      setText(element('progress-text', HTMLElement), text);
      bar.value = fraction;
    },
    hideProgress,
    complain(text) {
      hideProgress();
      message.hidden = false;
      setText(element('message-text', HTMLElement), text);
    },
    quiet,
  };
}

/** Millions and thousands of millions, as people say them. */
export function count(instructions: number): string {
  if (instructions < 1e6) return String(instructions);
  return instructions < 1e9 ? `${(instructions / 1e6).toFixed(1)} M` : `${(instructions / 1e9).toFixed(3)} G`;
}

/** Only what has changed is written: a screen reader would read it again. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** What index.html has under an id. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`index.html has no ${kind.name} "${id}"`);
}
