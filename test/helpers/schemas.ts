import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Ajv } from 'ajv';

const DIRECTORY = join(import.meta.dirname, '../../docs/schemas');

/** The published schemas, by the names of their files. */
export const published: Readonly<Record<string, object>> = Object.fromEntries(
  readdirSync(DIRECTORY).map((name) => [
    name,
    JSON.parse(readFileSync(join(DIRECTORY, name), 'utf8')) as object,
  ]),
);

const ajv = new Ajv({ schemas: published, allErrors: true, allowUnionTypes: true });

/** What a published schema has against a value. */
export function faultsOf(name: string, value: unknown): readonly string[] {
  const judge = ajv.getSchema(name);
  if (judge === undefined) throw new Error(`there is no schema ${name}`);
  if (judge(value) === true) return [];
  const errors = judge.errors ?? [];
  const branchOf = ({ schemaPath }: (typeof errors)[number]) => schemaPath.split('/')[2];
  // Of a line of the log, only what has to do with its kind.
  const otherKinds = new Set(errors.filter(({ instancePath }) => instancePath === '/msg').map(branchOf));
  return errors
    .filter((error) => error.keyword !== 'anyOf' && !otherKinds.has(branchOf(error)))
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .concat(`in ${JSON.stringify(value)}`);
}
