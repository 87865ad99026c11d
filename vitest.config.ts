import { defineConfig } from 'vitest/config';

const project = (name: string, include: string[], rest: object = {}) => ({
  test: { name, include, ...rest },
});

export default defineConfig({
  test: {
    testTimeout: 30_000,
    projects: [
      project('unit', ['test/*.test.ts', 'test/{config,dns,relay,control,healthcheck}/**/*.test.ts']),
      project('process', ['test/process/**/*.test.ts']),
      project('container', ['test/container/**/*.test.ts'], {
        globalSetup: ['test/helpers/docker-setup.ts'],
        env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
    ],
  },
});
