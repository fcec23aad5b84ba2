// SPDX-License-Identifier: Apache-2.0
// The keys that stay on this side of a raw terminal, as in QEMU: Ctrl-A, then X leaves, S saves, P shows processes, H helps, Ctrl-A
// sends Ctrl-A.

export type EscapeCommand = 'leave' | 'save' | 'processes' | 'help';

const CTRL_A = 0x01;

export const ESCAPE_HELP: string = [
  'Ctrl-A X       leave',
  'Ctrl-A S       save a snapshot (with --save-snapshot FILE)',
  'Ctrl-A P       the processes of a Linux guest',
  'Ctrl-A H       this help',
  'Ctrl-A Ctrl-A  send Ctrl-A to the guest',
  'After the window changed, type "resize" in a guest of "plinth image".',
].join('\n');

export class EscapeKeys {
  #escaped: boolean = false;

  /** Splits typed bytes into what goes to the guest and what is for us; the prefix may end one chunk and the key begin the next. */
  push(bytes: Uint8Array): { readonly forward: Uint8Array; readonly commands: readonly EscapeCommand[] } {
    const forward: number[] = [];
    const commands: EscapeCommand[] = [];
    for (const byte of bytes) {
      if (!this.#escaped) {
        if (byte === CTRL_A) this.#escaped = true;
        else forward.push(byte);
        continue;
      }
      this.#escaped = false;
      const key = String.fromCharCode(byte).toLowerCase();
      if (byte === CTRL_A) forward.push(byte);
      else if (key === 'x') commands.push('leave');
      else if (key === 's') commands.push('save');
      else if (key === 'p') commands.push('processes');
      else if (key === 'h' || key === '?') commands.push('help');
    }
    return { forward: Uint8Array.from(forward), commands };
  }
}
