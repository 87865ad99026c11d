// For `npm run mutants` (run.ts).
import { env } from 'node:process';

const folder = env['MUTANTS_OF'];

export default {
  mutate: [`src/${folder}/**/*.ts`],
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', import.meta.resolve('./sample.mjs')],
  checkers: ['sample'],
  vitest: { configFile: 'scripts/mutants/vitest.config.ts', related: false },
  // TypeScript 7 has no such API as it would read it by; nothing here needs it.
  tsconfigFile: 'none',
  coverageAnalysis: 'perTest',
  // What is worked out as a file is loaded would need all tests of it again for each mutant.
  ignoreStatic: true,
  reporters: ['clear-text', 'progress'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false, allowEmojis: false },
  tempDirName: '.mutants',
  concurrency: 2,
};
