import { readFileSync } from 'node:fs';
import path from 'node:path';

import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';
import { repository, run } from '../helpers/run.ts';

interface Inspected {
  Size: number;
  Config: {
    User: string;
    Entrypoint: string[];
    Healthcheck: { Test: string[]; Interval: number };
    Labels: Record<string, string>;
    Volumes: object | null;
  };
}

const BASE = 'node:26-bookworm-slim';
const PROGRAMS = ['src/main.ts', 'src/control/metrics.ts', 'healthcheck/main.ts'];

const megabyte = 1_000_000;

async function inspect(): Promise<Inspected> {
  const [image] = JSON.parse(await docker('image', 'inspect', images.sallyport)) as Inspected[];
  if (image === undefined) throw new Error('the image is missing');
  return image;
}

describe.skipIf(noDocker)('the image', () => {
  test('takes less than 130 MB unpacked', async () => {
    expect((await inspect()).Size).toBeLessThan(130 * megabyte);
  });

  test('takes less than 47 MB compressed', async () => {
    const { stdout } = await run('bash', [
      '-c',
      `set -o pipefail; docker save ${images.sallyport} | gzip | wc --bytes`,
    ]);
    expect(Number(stdout)).toBeGreaterThan(megabyte);
    expect(Number(stdout)).toBeLessThan(47 * megabyte);
  });

  test('names a user who is not root, the program and its healthcheck every 30 s', async () => {
    const { User, Entrypoint, Healthcheck, Volumes } = (await inspect()).Config;
    expect({ User, Entrypoint, Volumes }).toEqual({
      User: '65532:65532',
      Entrypoint: ['sallyport'],
      Volumes: null,
    });
    expect(Healthcheck).toMatchObject({ Test: ['CMD', 'healthcheck'], Interval: 30e9 });
  });

  test('carries the OCI labels', async () => {
    const { Labels } = (await inspect()).Config;
    expect(Labels).toMatchObject({
      'org.opencontainers.image.title': 'Sallyport',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': expect.any(String),
    });
  });

  test('has no shell and no package manager', async () => {
    for (const program of ['/bin/sh', '/bin/bash', '/usr/bin/apt-get', '/usr/local/bin/npm']) {
      const { code, output } = await run('docker', [
        'run',
        '--rm',
        '--entrypoint',
        program,
        images.sallyport,
      ]);
      expect({ code, output }).toMatchObject({ code: 127, output: expect.stringContaining(program) });
    }
  });

  /** A file of an image that has Node; null where there is none. */
  async function fileIn(image: string, file: string): Promise<string | null> {
    const script = `process.stdout.write(fs.readFileSync('${file}'))`;
    const { code, stdout } = await run('docker', [
      'run',
      '--rm',
      '--entrypoint',
      'node',
      image,
      '-e',
      script,
    ]);
    return code === 0 ? stdout : null;
  }

  test('carries the licence of each package that is in its programs', async () => {
    const { metafile } = await build({
      absWorkingDir: repository,
      entryPoints: PROGRAMS,
      outdir: 'out',
      bundle: true,
      platform: 'node',
      metafile: true,
      write: false,
    });
    const packages = new Set(
      Object.keys(metafile.inputs).flatMap(
        (input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? [],
      ),
    );
    expect(packages).toContain('pino');
    const licences =
      (await fileIn(images.sallyport, '/usr/share/licenses/sallyport/bundled-packages.txt')) ?? '';
    const named = [...licences.matchAll(/^(\S+) \d[\w.-]* \([\w.-]+\)$/gm)].map(([, name = '']) => name);
    expect(named.toSorted()).toEqual([...packages].toSorted());
    expect(licences.split(/^-{80}$/m).filter((text) => !/copyright/i.test(text))).toEqual([]);
  });

  test("carries our own licence, and Node's where its image has it", async () => {
    const own = await fileIn(images.sallyport, '/usr/share/licenses/sallyport/LICENSE');
    expect(own).toBe(readFileSync(path.join(repository, 'LICENSE'), 'utf8'));
    const ofNode = await fileIn(images.sallyport, '/usr/share/licenses/node/LICENSE');
    expect(ofNode).toBe(await fileIn(BASE, '/usr/local/LICENSE'));
  });

  test('stops on a bad environment with code 78, and tells every problem at once', async () => {
    const { code, output } = await run('docker', ['run', '--rm', '--env', 'PORT=70000', images.sallyport]);
    expect(code).toBe(78);
    expect(output).toMatch(/TARGET/);
    expect(output).toMatch(/PORT.*70000/);
    expect(output).not.toMatch(/^\s+at /m);
  });
});
