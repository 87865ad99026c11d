import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfig } from '../../src/config/config.ts';

/** What parseConfig() says against an environment. */
export function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}
