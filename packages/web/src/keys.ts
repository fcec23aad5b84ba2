// SPDX-License-Identifier: Apache-2.0
// Keys that a phone's keyboard lacks, as buttons below the terminal.

import type { PageTerminal } from './terminal.js';

const KEYS: readonly (readonly [label: string, sent: string, name: string])[] = [
  ['Esc', '\x1b', 'Escape'],
  ['Tab', '\t', 'Tab'],
  ['^C', '\x03', 'Control C'],
  ['^D', '\x04', 'Control D'],
  ['←', '\x1b[D', 'Left'],
  ['↑', '\x1b[A', 'Up'],
  ['↓', '\x1b[B', 'Down'],
  ['→', '\x1b[C', 'Right'],
];

export function addKeys(place: HTMLElement, terminal: PageTerminal): void {
  for (const [label, sent, name] of KEYS) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.setAttribute('aria-label', name);
    // The terminal keeps the focus, so that the keyboard on the screen stays.
    button.addEventListener('pointerdown', (event) => event.preventDefault());
    button.addEventListener('click', () => terminal.type(sent));
    place.append(button);
  }
}
