/** The environment cannot be used; `problems` holds every reason, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration has ${problems.length} problem(s):\n${problems.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
