import { cwd, env } from 'node:process';

import { defineConfig } from 'vitest/config';

// Tests that import what they test: to ask the built programs of each mutant would take days.
export default defineConfig({
  test: {
    root: cwd(),
    include: [`test/${env['MUTANTS_OF']}/**/*.test.ts`],
    exclude: ['test/**/*-{differential,fuzz}.test.ts'],
    testTimeout: 30_000,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    expect: { poll: { timeout: 10_000 } },
  },
});
