// SPDX-License-Identifier: Apache-2.0
// The terminal: xterm.js, as large as its place, with keys as bytes. A serial line cannot tell a guest that the window
// changed; there the command `resize` asks the terminal.

import { utf8 } from '@plinth/core';
import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import type { TerminalSize } from './protocol.js';

/** Both with a contrast of 4.5 and more for each colour on the background. */
const THEMES: Readonly<Record<'light' | 'dark', ITheme>> = {
  dark: {
    background: '#10171f',
    foreground: '#d7e0e8',
    cursor: '#5bc8af',
    cursorAccent: '#10171f',
    selectionBackground: '#35506a',
    black: '#5f7080',
    red: '#ff8d85',
    green: '#7ed39b',
    yellow: '#f2b95f',
    blue: '#7db4f5',
    magenta: '#d9a0ea',
    cyan: '#5bc8d6',
    white: '#d7e0e8',
    brightBlack: '#8496a6',
  },
  light: {
    background: '#ffffff',
    foreground: '#17222c',
    cursor: '#0b7a63',
    cursorAccent: '#ffffff',
    selectionBackground: '#bfdcf5',
    black: '#17222c',
    red: '#b3261e',
    green: '#1b7a3d',
    yellow: '#8f5600',
    blue: '#1f5fb0',
    magenta: '#8a3ea3',
    cyan: '#0b7285',
    white: '#566674',
    brightBlack: '#566674',
    brightRed: '#c5352c',
    brightGreen: '#1d7f40',
    brightYellow: '#8a5a00',
    brightBlue: '#2a6bc0',
    brightMagenta: '#9549ae',
    brightCyan: '#0d7a8f',
    brightWhite: '#3b4a57',
  },
};
const FONT = 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const SCROLLBACK = 10_000;

export interface TerminalListener {
  typed(bytes: Uint8Array): void;
  /** So many bytes more are on the screen. */
  shown(bytes: number): void;
  resized(size: TerminalSize): void;
}

export class PageTerminal {
  readonly #terminal: Terminal;
  readonly #fit: FitAddon = new FitAddon();
  readonly #shown: (bytes: number) => void;

  constructor(place: HTMLElement, listener: TerminalListener) {
    this.#terminal = new Terminal({
      cursorBlink: true,
      fontFamily: FONT,
      fontSize: matchMedia('(max-width: 640px)').matches ? 12 : 14,
      // What a guest prints may be cut in the middle of a sequence, which is nobody's mistake here.
      logLevel: 'off',
      scrollback: SCROLLBACK,
      theme: THEMES.dark,
    });
    const light = matchMedia('(prefers-color-scheme: light)');
    const colour = (): void => {
      this.#terminal.options.theme = THEMES[light.matches ? 'light' : 'dark'];
    };
    light.addEventListener('change', colour);
    colour();
    this.#shown = (bytes) => listener.shown(bytes);
    this.#terminal.loadAddon(this.#fit);
    // The fit takes the parent's whole height, padding included: so the parent has none.
    const frame = document.createElement('div');
    frame.className = 'frame';
    place.replaceChildren(frame);
    this.#terminal.open(frame);
    this.#fit.fit();
    this.#terminal.onData((text) => listener.typed(utf8(text)));
    this.#terminal.onResize(({ rows, cols }) => listener.resized({ rows, columns: cols }));
    this.#terminal.onBinary((text) => listener.typed(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    this.#terminal.attachCustomKeyEventHandler((event) => !this.#copies(event));
    new ResizeObserver(() => this.#fit.fit()).observe(place);
  }

  get size(): TerminalSize {
    return { rows: this.#terminal.rows, columns: this.#terminal.cols };
  }

  /** What is on the screen and above it, without blanks at line ends; lines that were wrapped are one. */
  get text(): string {
    const { active } = this.#terminal.buffer;
    let text = '';
    for (let y = 0; y < active.length; y++) {
      const line = active.getLine(y);
      if (y > 0 && line?.isWrapped !== true) text = `${text.trimEnd()}\n`;
      text += line?.translateToString(false) ?? '';
    }
    return text.trimEnd();
  }

  /** Output of the guest. */
  write(bytes: Uint8Array): void {
    this.#terminal.write(bytes, () => this.#shown(bytes.length));
  }

  /** A line of the page's own between the guest's. */
  say(text: string): void {
    const lead = this.#terminal.buffer.active.cursorX === 0 ? '' : '\r\n';
    this.#terminal.write(`${lead}\x1b[2m[${text.replace(/\p{Cc}/gu, '?')}]\x1b[0m\r\n`);
  }

  /** As if it had been typed. */
  type(text: string): void {
    this.#terminal.input(text, true);
  }

  /** Empty, as after power-on. */
  clear(): void {
    this.#terminal.reset();
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** Ctrl-Shift-C copies, as in other terminals: Ctrl-C is the guest's. */
  #copies(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.code !== 'KeyC') return false;
    event.preventDefault();
    if (this.#terminal.hasSelection()) void navigator.clipboard?.writeText(this.#terminal.getSelection());
    return true;
  }
}
