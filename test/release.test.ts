import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { changelogSection, checkVersion, imageTags } from '../scripts/release.ts';

const ROOT = join(import.meta.dirname, '..');
const CHANGELOG =
  '# Changelog\n\n## 1.10.0, unreleased\n\n- C\n\n## 1.2.3, 2026-12-01\n\n### Added\n\n- B\n\n## 1.2.2\n\n- A\n';

test('a tag gives the image four tags', () => {
  expect(imageTags('v1.2.3')).toEqual(['1.2.3', '1.2', '1', 'latest']);
});

test.each(['1.2.3', 'v1.2', 'v1.2.3-rc.1', 'main', ''])('tag "%s" is no release', (tag) => {
  expect(() => imageTags(tag)).toThrow(`tag '${tag}' is no release`);
});

test("a release's notes are its section of the changelog, and no other", () => {
  expect(changelogSection(CHANGELOG, 'v1.2.3')).toBe('### Added\n\n- B');
  expect(changelogSection(CHANGELOG, 'v1.2.2')).toBe('- A');
  expect(() => changelogSection(CHANGELOG, 'v1.1.0')).toThrow('no section for 1.1.0');
  expect(() => changelogSection(CHANGELOG, 'v1.10.0')).toThrow("still says 'unreleased'");
});

test('the tag is the version of package.json', () => {
  expect(() => checkVersion('1.2.3', 'v1.2.3')).not.toThrow();
  expect(() => checkVersion('1.2.3', 'v1.2.4')).toThrow(
    'package.json has version 1.2.3, and the tag is v1.2.4',
  );
});

/** Builds into a directory of its own; returns each file's text by its name. */
function build(revision: string): ReadonlyMap<string, string> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  try {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    execFileSync('sh', ['-c', scripts['build']!.replaceAll('dist', directory)], {
      cwd: ROOT,
      env: { ...process.env, REVISION: revision, PATH: `${ROOT}/node_modules/.bin:${process.env['PATH']}` },
    });
    return new Map(
      readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('a build gives the same bytes twice, and others for another revision', () => {
  const first = build('0123abc');
  expect([...first.keys()].toSorted()).toEqual([
    'healthcheck.js',
    'package.json',
    'sallyport-licences.txt',
    'sallyport-metrics.js',
    'sallyport-page.html',
    'sallyport.js',
  ]);
  expect(build('0123abc')).toEqual(first);
  expect(first.get('sallyport.js')).toContain('0123abc');
  expect(build('4567def')).not.toEqual(first);
});
