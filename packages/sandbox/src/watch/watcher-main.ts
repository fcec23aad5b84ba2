// SPDX-License-Identifier: Apache-2.0
// What runs in the watcher's process: its argument is the directory of its socket.

import { nativeCalls } from '@plinth/linux';
import { serveWatcher } from './watcher-process.js';

// Files that layers get have the modes that programs ask for; ours say theirs.
process.umask(0);
await serveWatcher(nativeCalls(), process.argv[2]!);
