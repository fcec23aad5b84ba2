// SPDX-License-Identifier: Apache-2.0
// Asks for files of disks: those that a snapshot needs, each with its place, or any number for a boot. Files are chosen or
// dropped; the page reads them where they are.

import { element } from './controls.js';
import { matchFiles } from './wanted-files.js';

export interface DiskQuestion {
  readonly title: string;
  readonly text: string;
  /** On the button that takes the answer. */
  readonly action: string;
  /** Names of the files that are needed; without it any number of disks is taken. */
  readonly places?: readonly string[];
  /** What is known already, by place. */
  readonly files: readonly (File | undefined)[];
  /** What was wrong with the last answer. */
  readonly error?: string;
}

export class DiskDialog {
  readonly #dialog = element('disk-dialog', HTMLDialogElement);
  readonly #list = element('disk-list', HTMLElement);
  readonly #add = element('disk-add', HTMLButtonElement);
  readonly #go = element('disk-go', HTMLButtonElement);
  readonly #input = element('disk-file', HTMLInputElement);
  readonly #error = element('disk-error', HTMLElement);
  #question: DiskQuestion | undefined;
  #files: (File | undefined)[] = [];
  /** The place that a file is being chosen for. */
  #place: number | undefined;
  #answer: ((files: readonly File[] | undefined) => void) | undefined;

  constructor() {
    this.#add.addEventListener('click', () => this.#choose(undefined));
    this.#go.addEventListener('click', () => this.#end(this.#chosen));
    element('disk-cancel', HTMLButtonElement).addEventListener('click', () => this.#end(undefined));
    this.#dialog.addEventListener('cancel', () => this.#end(undefined));
    this.#input.addEventListener('change', () => {
      const chosen = [...(this.#input.files ?? [])];
      this.#input.value = '';
      const [first] = chosen;
      if (first === undefined) return;
      if (this.#place === undefined) this.take(chosen);
      else this.#put(this.#place, first);
    });
  }

  /** The files, one for each place; nothing if the user does not want to. */
  ask(question: DiskQuestion): Promise<readonly File[] | undefined> {
    this.#end(undefined);
    this.#question = question;
    const { places } = question;
    this.#files = places === undefined ? [...question.files] : places.map((_, n) => question.files[n]);
    element('disk-title', HTMLElement).textContent = question.title;
    element('disk-text', HTMLElement).textContent = question.text;
    this.#go.textContent = question.action;
    this.#add.hidden = places !== undefined;
    this.#complain(question.error);
    this.#show();
    this.#dialog.showModal();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  /** Files that were dropped; false if nothing is asked. */
  take(files: readonly File[]): boolean {
    if (this.#question === undefined) return false;
    this.#complain(undefined);
    const { places } = this.#question;
    if (places === undefined) this.#files.push(...files);
    else {
      const open = places.map((name, n) => ({ name, n })).filter(({ n }) => this.#files[n] === undefined);
      // Where no place is empty, the files are for those of their names.
      const targets = open.length > 0 ? open : places.map((name, n) => ({ name, n }));
      matchFiles(targets, files).forEach((file, i) => {
        if (file !== undefined) this.#files[targets[i]!.n] = file;
      });
    }
    this.#show();
    return true;
  }

  get #chosen(): File[] {
    return this.#files.filter((file) => file !== undefined);
  }

  #choose(place: number | undefined): void {
    this.#place = place;
    this.#input.multiple = place === undefined;
    this.#input.click();
  }

  #put(place: number, file: File): void {
    this.#complain(undefined);
    this.#files[place] = file;
    this.#show();
  }

  #complain(error: string | undefined): void {
    this.#error.hidden = error === undefined;
    this.#error.textContent = error ?? '';
  }

  #show(): void {
    const places = this.#question?.places;
    const rows = this.#files.map((file, n) => (places === undefined ? this.#diskRow(file!, n) : this.#placeRow(n)));
    if (rows.length === 0) {
      const none = document.createElement('li');
      none.className = 'none';
      none.textContent = 'No disks. Add an image, or drop one here.';
      rows.push(none);
    }
    this.#list.replaceChildren(...rows);
    this.#go.disabled = places !== undefined && this.#files.includes(undefined);
  }

  /** What is needed, and what was chosen for it. */
  #placeRow(n: number): HTMLLIElement {
    const file = this.#files[n];
    const name = this.#question!.places![n]!;
    const detail = file === undefined ? 'not chosen yet' : describe(file, file.name === name ? '' : file.name);
    const choose = button(file === undefined ? 'Choose…' : 'Change…', `Choose the file for ${name}`);
    choose.addEventListener('click', () => this.#choose(n));
    return row(name, detail, choose);
  }

  #diskRow(file: File, n: number): HTMLLIElement {
    const remove = button('Remove', `Remove ${file.name}`);
    remove.addEventListener('click', () => {
      this.#files.splice(n, 1);
      this.#show();
    });
    return row(file.name, describe(file, `/dev/vd${String.fromCharCode(97 + n)}`), remove);
  }

  #end(files: readonly File[] | undefined): void {
    this.#question = undefined;
    this.#dialog.close();
    this.#answer?.(files);
    this.#answer = undefined;
  }
}

function row(name: string, detail: string, ...actions: readonly HTMLButtonElement[]): HTMLLIElement {
  const item = document.createElement('li');
  const texts = document.createElement('span');
  const title = document.createElement('b');
  const small = document.createElement('small');
  title.textContent = name;
  small.textContent = detail;
  texts.append(title, small);
  item.append(texts, ...actions);
  return item;
}

function button(text: string, label: string): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.setAttribute('aria-label', label);
  return made;
}

function describe({ size }: File, more: string): string {
  const scale = size < 1e6 ? [1e3, 'kB'] : size < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  const text = `${(size / (scale[0] as number)).toFixed(1)} ${scale[1]}`;
  return more === '' ? text : `${text} · ${more}`;
}
