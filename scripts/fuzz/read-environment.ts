import { ok } from 'node:assert/strict';

import { ConfigError } from '../../src/config/config-error.ts';
import { type Config, parseConfig } from '../../src/config/config.ts';
import { variables } from '../../src/config/variables.ts';

const NAMES = Object.keys(variables).join('|');
const PROBLEM = new RegExp(`^(${NAMES})( and (${NAMES}))?(=| is not set|: ).+$`);

interface Read {
  /** Null where the environment cannot be used. */
  readonly config: Config | null;
  readonly problems: readonly string[];
}

/** What is made of an environment. Each problem with it must be a line that names a variable. */
export function readEnvironment(environment: Readonly<Record<string, string>>): Read {
  try {
    return { config: parseConfig(environment), problems: [] };
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const { problems } = cause;
    ok(problems.length > 0);
    for (const problem of problems) ok(PROBLEM.test(problem), problem);
    return { config: null, problems };
  }
}
