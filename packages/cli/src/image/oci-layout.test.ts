// SPDX-License-Identifier: Apache-2.0
// OCI image layouts: choice of the platform, digests, and what is refused.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLayer, readOciLayout } from './oci-layout.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true }));

function blob(mediaType: string, content: string | object, platform?: object) {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  const hash = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(directory, 'blobs/sha256', hash), bytes);
  return { mediaType, digest: `sha256:${hash}`, size: bytes.length, ...(platform === undefined ? {} : { platform }) };
}

function image(architecture: string, layer: string, platform?: object) {
  const config = blob('application/vnd.oci.image.config.v1+json', { os: 'linux', architecture });
  return blob(MANIFEST, { config, layers: [blob(LAYER, layer)] }, platform);
}

function index(...manifests: object[]): void {
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
}

describe('readOciLayout', () => {
  it('takes the best fitting variant, also from an index in the index', async () => {
    const inner = blob(INDEX, {
      manifests: [
        image('amd64', 'x86', { os: 'linux', architecture: 'amd64' }),
        image('arm', 'five', { os: 'linux', architecture: 'arm', variant: 'v5' }),
        image('arm', 'seven', { os: 'linux', architecture: 'arm', variant: 'v7' }),
      ],
    });
    index(inner);
    const layers = readOciLayout(directory);
    expect(layers.map(({ size }) => size)).toEqual(['seven'.length]);
    await checkLayer(layers[0]!);
    writeFileSync(layers[0]!.file, 'sevem');
    await expect(checkLayer(layers[0]!)).rejects.toThrow('not what its digest says');
  });

  it('judges an image without a platform by its configuration', () => {
    index(image('arm', 'one'));
    expect(readOciLayout(directory)).toHaveLength(1);
    index(image('arm64', 'one'));
    expect(() => readOciLayout(directory)).toThrow('its image is for linux/arm64, not for linux/arm');
  });

  it('refuses what is no layout, no digest, or not what the digest says', () => {
    expect(() => readOciLayout(directory)).toThrow(/index\.json: no usable OCI image: cannot be read/);
    index(image('amd64', 'x', { os: 'linux', architecture: 'amd64' }));
    expect(() => readOciLayout(directory)).toThrow('no image for linux/arm among its manifests');
    index({ mediaType: MANIFEST, digest: 'sha256:../../../../etc/passwd', size: 1 });
    expect(() => readOciLayout(directory)).toThrow('a descriptor without media type, SHA-256 digest and size');
    const manifest = image('arm', 'one');
    writeFileSync(join(directory, 'blobs/sha256', manifest.digest.slice(7)), '{}');
    index(manifest);
    expect(() => readOciLayout(directory)).toThrow('not what its digest says');
    writeFileSync(join(directory, 'index.json'), '{');
    expect(() => readOciLayout(directory)).toThrow('not a JSON object');
  });
});
