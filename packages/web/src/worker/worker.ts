// SPDX-License-Identifier: Apache-2.0
// The worker's entry: messages in, messages out. Everything else is the session's.

import './dispose.js';
import type { Command, Report } from '../protocol.js';
import { Session } from './session.js';

const send = (report: Report, transfer: Transferable[] = []): void => self.postMessage(report, { transfer });
const session = new Session(send);

self.addEventListener('message', ({ data }: MessageEvent<Command>) => {
  switch (data.kind) {
    case 'input':
      session.input(data.bytes);
      break;
    case 'size':
      session.size = data.size;
      break;
    case 'shown':
      session.shown(data.bytes);
      break;
    case 'request':
      session.request(data.request).then(
        (value) => send({ kind: 'answer', id: data.id, value }),
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          send({ kind: 'failure', id: data.id, message });
        },
      );
  }
});
