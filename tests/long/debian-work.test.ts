// SPDX-License-Identifier: Apache-2.0
// Debian's programs at work in the guest, held against the same programs elsewhere: a C program is compiled to the same
// bytes as under qemu-user and passes its tests; Python's regression tests pass; OpenSSL and SQLite print what they print
// on the host. Minutes each, so this is for PLINTH_LONG=1.

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { BUILD_AND_TEST, inGuest, missingWorkGuest, underQemuUser } from './work-guest.js';

const missing = await missingWorkGuest();

/** Chosen to exercise much of the processor in little time. */
const MODULES = `
  test_float test_complex test_int test_bool test_math test_cmath test_pow test_fractions
  test_struct test_array test_binascii test_base64 test_zlib test_hmac test_marshal test_json
  test_re test_ucn test_string test_format test_textwrap test_shlex test_csv test_bisect
  test_heapq test_colorsys test_ctypes test_threading_local test_select test_pipes
`
  .trim()
  .split(/\s+/);
/** Of modules that take long as a whole. */
const PARTS: Readonly<Record<string, string>> = {
  test_hashlib: '*HashLibTestCase.test_case_*',
  test_long: '*LongTest.test_karatsuba*',
  test_decimal: 'CArithmetic* CFormat* CUsability*',
  test_pickle: 'CPicklerTests*',
  test_socket: 'BasicTCPTest* BasicUDPTest*',
  test_subprocess: '*ProcessTestCase.test_communicate*',
  test_unicodedata: 'UnicodeFunctionsTest*',
};

const OPENSSL = `set -e
cd "$(mktemp -d)"
i=0; while [ $i -lt 200 ]; do echo "line $i of what is hashed"; i=$((i + 1)); done >text
for name in md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 blake2b512 blake2s256 sm3; do
  openssl dgst -r -$name text
done
openssl dgst -r -sha256 -hmac key text
for name in aes-128-cbc aes-192-ctr aes-256-cfb aes-256-ofb camellia-256-cbc aria-128-ctr chacha20 des-ede3-cbc sm4-cbc; do
  openssl enc -$name -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \\
    -iv 0f0e0d0c0b0a09080706050403020100 -in text -out cipher 2>/dev/null
  openssl dgst -r -sha256 cipher
  openssl enc -d -$name -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \\
    -iv 0f0e0d0c0b0a09080706050403020100 -in cipher 2>/dev/null | cmp - text
done
openssl kdf -keylen 40 -kdfopt digest:SHA256 -kdfopt pass:word -kdfopt salt:salty -kdfopt iter:1000 PBKDF2
openssl kdf -keylen 40 -kdfopt pass:word -kdfopt salt:salty -kdfopt n:64 -kdfopt r:8 -kdfopt p:1 SCRYPT
openssl prime 170141183460469231731687303715884105727 170141183460469231731687303715884105725
cat >fixed.pem <<'KEY'
@KEY@KEY
openssl dgst -sha256 -sign fixed.pem text | openssl dgst -r -sha256
for kind in 'RSA -pkeyopt rsa_keygen_bits:1024' 'EC -pkeyopt ec_paramgen_curve:P-256' 'EC -pkeyopt ec_paramgen_curve:P-384'; do
  openssl genpkey -quiet -algorithm $kind -out key.pem
  openssl pkey -in key.pem -check -noout
  openssl pkey -in key.pem -pubout -out public.pem
  openssl dgst -sha256 -sign key.pem -out signature text
  openssl dgst -sha256 -verify public.pem -signature signature text
  ! openssl dgst -sha256 -verify public.pem -signature signature cipher 2>/dev/null
done
`;

const SQLITE = `set -e
cd "$(mktemp -d)"
sqlite3 test.db <<'SQL'
PRAGMA journal_mode = wal;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, size REAL, part BLOB);
CREATE INDEX by_name ON item (name);
CREATE INDEX by_size ON item (size, id);
BEGIN;
INSERT INTO item (name, size, part)
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
  SELECT printf('item %05d', i * 7919 % 10007), i * 1.1 / 7 + sqrt(i), zeroblob(i % 50) FROM n;
COMMIT;
UPDATE item SET name = name || '!', size = -size WHERE id % 3 = 0;
DELETE FROM item WHERE id % 7 = 0;
SELECT count(*), count(DISTINCT name), min(name), max(name), sum(length(part)) FROM item;
SELECT printf('%.12e %.12e %.12e', sum(size), avg(size * size), total(sin(size))) FROM item;
SELECT id, name, printf('%.9f', size) FROM item ORDER BY size DESC, id LIMIT 5;
SELECT count(*) FROM item a JOIN item b ON b.id = a.id + 1 WHERE a.name < b.name;
SELECT group_concat(substr(name, 6, 5), ',') FROM (SELECT name FROM item ORDER BY name LIMIT 40);
SELECT json_group_array(json_object('id', id, 'n', name)) FROM (SELECT * FROM item WHERE id < 12);
PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA integrity_check;
VACUUM;
PRAGMA integrity_check;
SQL
sqlite3 test.db .dump | grep -v -e PRAGMA | cksum
sqlite3 test.db 'PRAGMA integrity_check; SELECT count(*) FROM item INDEXED BY by_name WHERE name > "item 05"'
`;

function onHost(tool: string, command: string): string {
  const { status, stdout, stderr, error } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${tool} on the host: ${error?.message ?? stderr}\n${stdout}`);
  return stdout;
}

describe('a guest at work', () => {
  it('compiles a C program to the bytes that the same compiler makes under qemu-user, and its tests pass', async ({
    skip,
  }) => {
    skip(missing !== undefined, missing);
    const guest = await inGuest(BUILD_AND_TEST);
    expect(Number(/^\d+/.exec(guest)?.[0])).toBeGreaterThan(5000);
    expect(guest).toContain("like you're in business");
    expect(guest.match(/^[0-9a-f]{64} {2}/gm)).toHaveLength(12);
    expect(guest).toBe(await underQemuUser(BUILD_AND_TEST));
  });

  it('passes the regression tests of Python', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const guest = await inGuest(`python3 -m test ${MODULES.join(' ')} 2>&1`);
    expect(guest).toContain(`All ${MODULES.length} tests OK.`);
    const parts = Object.entries(PARTS).map(([module, names]) => {
      const patterns = names.split(' ').map((name) => `-m '${name}'`);
      return `python3 -m test ${patterns.join(' ')} ${module} 2>&1`;
    });
    const some = await inGuest(`set -e\n${parts.join('\n')}`);
    expect(some.match(/^Tests result: SUCCESS/gm)).toHaveLength(parts.length);
    expect(some).not.toMatch(/no tests? ran|no test run|ran no tests/i);
  });

  it('has OpenSSL hash, encrypt and sign as the host does', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const key = onHost('openssl', 'openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024');
    const command = OPENSSL.replace('@KEY@', key);
    expect(await inGuest(command)).toBe(onHost('openssl', command));
  });

  it('has SQLite give the results of the host, and find its file in order', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const guest = await inGuest(SQLITE);
    expect(guest.match(/^ok$/gm)).toHaveLength(3);
    expect(guest).toBe(await underQemuUser(SQLITE));
    // A dump has more digits than a double holds; where long double is longer, as on x86, SQLite prints others.
    const withoutDump = (text: string): string => text.replace(/^\d+ \d+\n/m, '');
    expect(withoutDump(guest)).toBe(withoutDump(onHost('sqlite3', SQLITE)));
  });
});
