import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { judge, parseAsked } from '../src/commands/check/verdict.ts';
import { compose } from '../src/commands/compose.ts';
import { parseConfig } from '../src/config/config.ts';
import { variables } from '../src/config/variables.ts';
import { runDirs } from '../src/control/run-dir.ts';
import { LINES } from '../src/log/lines.ts';

const page = (name: string) => readFileSync(join(import.meta.dirname, '../docs', name), 'utf8');

/** The rows of a page's first table, without its head; cells are without backticks. */
function firstTable(name: string): readonly (readonly string[])[] {
  const [, table = ''] = /((?:^\|.*\n)+)/m.exec(page(name)) ?? [];
  const [, , ...rows] = table.trimEnd().split('\n');
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('`', '').trim()),
  );
}

test('docs/configuration.md lists every variable, and no other, in the order of the code', () => {
  const names = firstTable('configuration.md').map(([name]) => name);
  expect(names).toEqual(Object.keys(variables));
});

test('docs/configuration.md tells the defaults that the code has', () => {
  const { settings } = parseConfig({ TARGET: 'api.example.com' });
  const derived: Readonly<Record<string, string>> = {
    TARGET: 'required',
    TARGET_FILE: 'off',
    DNS_ANSWER: 'the address that was asked',
    NAME_ADDRESSES: 'off',
    ADMIN_PORT: 'off',
    SALLYPORT_RUN_DIR: runDirs(null).join(', else '),
  };
  const expected = settings.map(({ name, text }) => [name, derived[name] ?? text]);
  // A semicolon begins what else the default may be.
  const told = firstTable('configuration.md').map(([name, value = '']) => [name, value.split(';')[0]]);
  expect(told).toEqual(expected);
});

test('docs/log.md lists every field of the log, and no other', () => {
  const listed = firstTable('log.md').flatMap(([fields = '']) => fields.split(', '));
  const logged = new Set(['time', 'level', 'msg', ...Object.values(LINES).flat(), 'more']);
  expect(listed.toSorted()).toEqual([...logged].toSorted());
});

test('docs/names.md shows what compose prints', async () => {
  const [, section = ''] = page('names.md').split('\n## Have it written\n');
  const [, rules = ''] = /^ {4}docker run --rm \S+ compose (.*) > door\.yaml$/m.exec(section) ?? [];
  const operands = rules.split(' ').map((rule) => rule.replaceAll("'", ''));
  const [, shown] = /\n```yaml\n(.*?\n)```\n/s.exec(section) ?? [];
  const printed: string[] = [];
  const print = (...lines: readonly string[]) => void printed.push(...lines);
  await compose.run({ options: {}, operands }, { environment: {}, print, printError: print });
  expect(shown).toBe(`${printed.join('\n')}\n`);
});

test('docs/commands.md shows the verdicts that check gives', () => {
  const [, section = ''] = page('commands.md').split('\n## What would become of a name\n');
  const [shown = ''] = /(?: {4}.*\n)+/.exec(section) ?? [];
  const asked = [...shown.matchAll(/sallyport check (\S+)/g)].map(([, name = '']) => name);
  expect(asked).not.toEqual([]);
  const config = parseConfig({
    TARGET: 'api.github.com *.s3.amazonaws.com db.example.com:5432',
    PORT: '443',
  });
  const lines = asked.flatMap((name) => [
    `$ docker exec <container> sallyport check ${name}`,
    ...judge(parseAsked(name), config).lines,
  ]);
  expect(shown).toBe(lines.map((line) => `    ${line}\n`).join(''));
});
