import { deepEqual, ok } from 'node:assert/strict';

import { variables } from '../../../src/config/variables.ts';
import { readEnvironment } from '../read-environment.ts';

/** Whose values may hold passwords, as URLs have them. */
const URLS = ['HTTP_HEALTHCHECK_URL', 'SMTP_HEALTHCHECK_URL'] as const;

/** Lines of `NAME=value`: a complete config, the same each time, or errors that name their variables; and neither shows a password. */
export function fuzz(bytes: Buffer): void {
  const environment = readLines(bytes.toString());
  const { config, problems } = readEnvironment(environment);
  if (config !== null) {
    deepEqual(readEnvironment(environment).config, config);
    deepEqual(
      config.settings.map(({ name }) => name),
      Object.keys(variables),
    );
  }
  for (const name of URLS) {
    const setting = config?.settings.find((each) => each.name === name)?.text ?? '';
    const shown: readonly string[] = [setting, ...problems.filter((line) => line.startsWith(name))];
    for (const password of passwordsOf(environment[name] ?? ''))
      for (const text of shown) ok(!text.includes(password), `${name} is shown as ${text}`);
  }
}

/** The file system is not for the fuzzer to read. */
function readLines(text: string): Readonly<Record<string, string>> {
  const pairs = text
    .split('\n')
    .map((line) => [/^[^=]*/.exec(line)?.[0] ?? '', line.replace(/^[^=]*=?/, '')]);
  return Object.fromEntries(pairs.filter(([name]) => name !== 'TARGET_FILE')) as Record<string, string>;
}

/** Those that stand nowhere else in the text, and by their length and a digit in no sentence of ours. */
function passwordsOf(text: string): readonly string[] {
  const urls = [text, ...text.split(/\s*,\s*|\s+/)];
  const passwords = urls.map((url) => URL.parse(url)?.password ?? '');
  return passwords.filter(
    (password) => password.length >= 4 && /\d/.test(password) && text.split(password).length === 2,
  );
}
