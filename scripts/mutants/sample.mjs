// For `npm run mutants -- FOLDER --sample N`: of the mutants that tests reach, N in a thousand are tried, the same ones each time.
import { createHash } from 'node:crypto';
import { env } from 'node:process';

const perThousand = Number(env.MUTANTS_SAMPLE ?? 1_000);

/** A checker of Stryker's, for which those that are left out are no code at all. */
class Sample {
  async init() {}

  async check(mutants) {
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, isTried(mutant) ? TRIED : LEFT_OUT]));
  }
}

const TRIED = { status: 'passed' };
const LEFT_OUT = { status: 'compileError', reason: 'left out of the sample' };

/** By what it is and where, as ids change with the files. */
function isTried({ fileName, location, replacement }) {
  const text = JSON.stringify([fileName.replace(/.*\/src\//, ''), location, replacement]);
  return createHash('sha256').update(text).digest().readUInt32BE() % 1_000 < perThousand;
}

export const strykerPlugins = [{ kind: 'Checker', name: 'sample', injectableClass: Sample }];
