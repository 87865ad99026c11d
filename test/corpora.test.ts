import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const CORPORA = join(import.meta.dirname, 'corpora');
const TARGETS = join(import.meta.dirname, '../scripts/fuzz/targets');
const targets = readdirSync(TARGETS).map((file) => file.replace(/\.ts$/, ''));
/** Of a corpus, in bytes: it is to be read by whoever clones. */
const MOST = 200_000;

interface Target {
  readonly fuzz: (bytes: Buffer) => void | Promise<void>;
}

/** A target's inputs with its finds, by their paths. */
function inputsOf(target: string): readonly string[] {
  const folder = join(CORPORA, target);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

test('each target of the fuzzer has a corpus of bounded size, and nothing else has', () => {
  const folders = readdirSync(CORPORA, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name)).toEqual(targets);
  const sizes = targets.map((target) => inputsOf(target).map((file) => statSync(file).size));
  expect(Math.min(...sizes.map(({ length }) => length))).toBeGreaterThan(2);
  expect(Math.max(...sizes.map((each) => each.reduce((sum, size) => sum + size, 0)))).toBeLessThan(MOST);
});

test.each(targets)('%s keeps its promise for all inputs that the fuzzer has found', async (target) => {
  const { fuzz } = (await import(join(TARGETS, `${target}.ts`))) as Target;
  const faults: string[] = [];
  for (const file of inputsOf(target)) {
    try {
      await fuzz(readFileSync(file));
    } catch (cause) {
      faults.push(`${file}: ${String(cause)}`);
    }
  }
  expect(faults).toEqual([]);
});
