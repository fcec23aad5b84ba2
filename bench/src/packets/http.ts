// SPDX-License-Identifier: Apache-2.0
// Benchmark `packets`, requests over HTTP (wrk): to a server alone, to one before whose interface our program looks for patterns in
// both directions, and through a proxy that looks for the same ones in what it has buffered of requests and answers.

import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlinthError } from '@plinth/core';
import type { Pattern } from '@plinth/match';
import { RIGHT } from '../namespace.js';
import type { Row } from '../report.js';
import { writeRules } from './inspector.js';
import { patternSet } from './pattern-sets.js';
import { rateRow, type Setting, takeTurns, type Way } from './setting.js';
import { trafficText } from './traffic-text.js';

const SECONDS = 3;
const CONNECTIONS = 16;
const SEED = 5;
const PATTERNS = 1000;
const ANSWER_BYTES = 10 * 1024;
const BODY_BYTES = 4 * 1024;
/** Bytes of a line of a file of patterns. */
const MOST_LINE = 8000;
const PORTS = { server: 8080, substrings: 8081, expression: 8082 } as const;

const NAMES = {
  nothing: 'nothing attached',
  ours: 'ours',
  substrings: 'HAProxy, -m sub',
  expression: 'HAProxy, -m reg',
} as const;

/** What wrk sends: `post` has a body. */
const REQUESTS = ['post', 'get'] as const;

export async function http(setting: Setting): Promise<Row[]> {
  const { server, folder, phrases, inspector } = setting;
  const patterns = patternSet(phrases, 'owasp', PATTERNS, SEED);
  const rules = join(folder, 'http.rules');
  writeRules(rules, patterns, 'drop');
  const text = trafficText(patterns, ANSWER_BYTES + BODY_BYTES, SEED);
  writeFileSync(join(folder, 'answer'), text.subarray(0, ANSWER_BYTES));
  const body = Buffer.from(text.subarray(ANSWER_BYTES)).toString('latin1');
  writeFileSync(join(folder, 'post.lua'), `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\n`);
  writeFileSync(join(folder, 'get.lua'), 'wrk.method = "GET"\n');
  const configuration = join(folder, 'haproxy.cfg');
  writeFileSync(configuration, haproxy(folder, patterns));
  const proxy = server.start('haproxy', '-db', '-f', configuration);
  await untilReady(setting, proxy);
  const plain = { begin: async () => {}, end: async () => {} };
  const ways: readonly (Way & { readonly port: number })[] = [
    { name: NAMES.nothing, port: PORTS.server, ...plain },
    {
      name: NAMES.ours,
      port: PORTS.server,
      begin: async () => void (await inspector.attach(rules)),
      end: () => inspector.detach(),
    },
    { name: NAMES.substrings, port: PORTS.substrings, ...plain },
    { name: NAMES.expression, port: PORTS.expression, ...plain },
  ];
  try {
    const rows: Row[] = [];
    for (const request of REQUESTS) {
      const samples = await takeTurns(ways, setting, (way) =>
        wrk(setting, request, (way as (typeof ways)[number]).port),
      );
      const what = request === 'post' ? 'POST of 4 KB, answers of 10 KB' : 'GET, answers of 10 KB';
      for (const [peer, peerName] of Object.entries(NAMES)) {
        if (peer === 'ours') continue;
        rows.push(
          rateRow({
            name: `HTTP, ${what}, ${PATTERNS.toLocaleString('en')} patterns`,
            unit: 'requests/s',
            ours: samples.get(NAMES.ours)!,
            peer: samples.get(peerName)!,
            peerName,
            inGeomean: peer === 'substrings',
          }),
        );
      }
    }
    return rows;
  } finally {
    proxy.kill('SIGKILL');
  }
}

async function untilReady({ client }: Setting, proxy: ChildProcess): Promise<void> {
  let said = '';
  proxy.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
  for (let tries = 0; tries < 100; tries++) {
    await sleep(50);
    try {
      client.run('bash', '-c', `exec 3<>/dev/tcp/${RIGHT}/${PORTS.server}`);
      return;
    } catch {
      if (proxy.exitCode !== null) break;
    }
  }
  const why = said.trim().split('\n')[0] ?? '';
  throw new PlinthError('host', 'bench-haproxy', `haproxy does not answer: ${why} (apt-get install haproxy)`);
}

function wrk({ client, folder }: Setting, request: string, port: number): number {
  const script = join(folder, `${request}.lua`);
  const url = `http://${RIGHT}:${port}/page`;
  const said = client.run('wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', script, url);
  const rate = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(said)?.[1]);
  const wrong = /Non-2xx[^\n]*|Socket errors:[^\n]*/.exec(said)?.[0];
  // The proxies may be so slow that requests wait for longer than wrk does; what is answered counts.
  if (wrong !== undefined && !/connect 0, read 0, write 0/.test(wrong)) {
    throw new PlinthError('host', 'bench-wrk', `wrk at port ${port}: ${wrong.trim()}`);
  }
  return rate;
}

/** Alternatives in as few lines as HAProxy reads whole: it cuts one that is longer than a buffer. */
function inLines(alternatives: readonly string[]): string {
  let text = '';
  let line = '';
  for (const alternative of alternatives) {
    if (line.length + alternative.length > MOST_LINE) {
      text += `${line}\n`;
      line = '';
    }
    line += `${line === '' ? '' : '|'}${alternative}`;
  }
  return `${text}${line}\n`;
}

/** The server, and the two proxies before it; results of a text that was looked at are not kept. */
function haproxy(folder: string, patterns: readonly Pattern[]): string {
  const lines = patterns.map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
  // It takes a line that begins with # for a comment, and cuts blanks off.
  const phrases = lines.filter((line) => !line.startsWith('#') && line.trim() === line);
  writeFileSync(join(folder, 'phrases'), `${phrases.join('\n')}\n`);
  const quoted = lines.map((line) => line.replaceAll(/[^\w ]/g, (char) => `\\${char}`));
  writeFileSync(join(folder, 'expression'), inLines(quoted));
  const proxy = (name: string, port: number, how: string): string => `
frontend ${name}
  bind ${RIGHT}:${port}
  option http-buffer-request
  http-request deny if { req.body ${how} }
  http-response wait-for-body time 5s
  http-response deny if { res.body ${how} }
  default_backend server
`;
  return `global
  tune.pattern.cache-size 0
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend server
  bind :${PORTS.server}
  option http-buffer-request
  http-request return status 200 content-type text/plain file ${join(folder, 'answer')}
backend server
  server one 127.0.0.1:${PORTS.server}
${proxy('substrings', PORTS.substrings, `-m sub -i -f ${join(folder, 'phrases')}`)}
${proxy('expression', PORTS.expression, `-m reg -i -f ${join(folder, 'expression')}`)}
`;
}
