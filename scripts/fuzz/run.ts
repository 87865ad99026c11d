// `npm run fuzz -- TARGET --minutes N`: has libFuzzer, by Jazzer.js, look for an input that breaks what targets/TARGET.ts promises, guided by which branches
// of src/ an input reaches. It begins with the inputs in test/corpora/TARGET, where a find is put too; with --keep, inputs that reach more are.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { argv, exit } from 'node:process';

import { readArguments } from './arguments.ts';
import { compile } from './compile.ts';
import { fuzz, merge, type Start, startOf, type Told } from './libfuzzer.ts';
import { nodeFor } from './node.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Where everything is that a run leaves and nobody keeps. */
const WORK = join(ROOT, '.fuzz');
const LOCK = join(import.meta.dirname, 'package-lock.json');
const TARGETS = readdirSync(join(import.meta.dirname, 'targets')).map((file) => file.replace(/\.ts$/, ''));

/** 0 where nothing was found, 1 where something was. */
async function main(): Promise<number> {
  const asked = readArguments(argv.slice(2), TARGETS);
  const { target, minutes, seed } = asked;
  const kept = join(ROOT, 'test/corpora', target);
  const finds = join(kept, 'finds');
  mkdirSync(finds, { recursive: true });
  console.log(
    `fuzzing ${target} for ${minutes} min with seed ${seed}, from ${filesIn(kept).length} kept inputs`,
  );
  const start = await prepare(target);
  const fresh = emptied(join(WORK, target, 'corpus'));
  const told = await fuzz(start, asked, { fresh, kept, finds, report: (now) => console.log(describe(now)) });
  console.log(describe(told));
  if (told.find !== null) {
    console.log(
      `FOUND ${relative(ROOT, told.find)}, which test/corpora.test.ts tries from now on:\n${told.rest}`,
    );
    return 1;
  }
  if (told.hasFailed) throw new Error(`the fuzzer has failed:\n${told.rest}`);
  console.log('nothing found');
  if (asked.keep) {
    merge(start, { from: fresh, into: kept });
    console.log(`${filesIn(kept).length} inputs are kept in ${relative(ROOT, kept)}`);
  }
  return 0;
}

function describe({ inputs, branches, corpus }: Told): string {
  return `${inputs} inputs tried, ${branches} branches of src/ reached, ${corpus} inputs in the corpus`;
}

/** Installs and compiles what it takes to fuzz a target. */
async function prepare(target: string): Promise<Start> {
  install();
  const build = emptied(join(WORK, target, 'build'));
  const compiled = await compile(`scripts/fuzz/targets/${target}.ts`, { root: ROOT, into: build });
  return startOf(nodeFor(join(WORK, 'libc')), compiled, join(build, 'src/'));
}

/** The fuzzer is a package of its own, as few need it. None of its install scripts does anything that is needed. */
function install(): void {
  const installed = join(import.meta.dirname, 'node_modules/.package-lock.json');
  // Another run may be using it.
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(LOCK).mtimeMs) return;
  const args = ['ci', '--prefix', import.meta.dirname, '--ignore-scripts'];
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('npm cannot install the fuzzer');
}

function emptied(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

function filesIn(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => statSync(join(directory, name)).isFile());
}

try {
  exit(await main());
} catch (cause) {
  console.error(`npm run fuzz: ${(cause as Error).message}`);
  exit(2);
}
