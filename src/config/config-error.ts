import { visible } from '../lib/visible.ts';

/** The exit code of whoever cannot use the environment: EX_CONFIG of sysexits(3). */
export const EXIT_CONFIG = 78;

/** The environment cannot be used; `problems` holds every reason, one line each whatever a value holds, and `hints` what may have led to them. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(reasons: readonly string[], hints: readonly string[] = []) {
    const problems = reasons.map(visible);
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`the configuration has ${count}:\n${[...problems, ...hints.map(visible)].join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
