// Writes docs/schemas: JSON Schema of what the relay says of itself, made from the types.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  type CompletedConfig,
  createFormatter,
  createParser,
  createProgram,
  DEFAULT_CONFIG,
  type Schema,
  SchemaGenerator,
} from 'ts-json-schema-generator';

import { LINES, TELLING } from '../src/log/lines.ts';

const REPOSITORY = join(import.meta.dirname, '..');

/** Types of the status by the file that each is published as. */
const STATUS = { status: 'Status', 'status-page': 'StatusPage', names: 'Asked' };

/** All schemas, by the name of their file. */
export function makeSchemas(): Readonly<Record<string, Schema>> {
  const schemaOf = readTypes('src/{control/protocol,log/lines}.ts');
  const status = Object.entries(STATUS).map(([file, type]) => [`${file}.json`, schemaOf(type)]);
  return { ...Object.fromEntries(status), 'log-line.json': logLine(schemaOf('Fields')) };
}

/** How to make a schema of any type that is exported there. */
function readTypes(path: string): (type: string) => Schema {
  const config: CompletedConfig = {
    ...DEFAULT_CONFIG,
    path: join(REPOSITORY, path),
    tsconfig: join(REPOSITORY, 'tsconfig.json'),
    additionalProperties: false,
    topRef: false,
    // `npm run check:types` does that.
    skipTypeCheck: true,
  };
  const program = createProgram(config);
  const generator = new SchemaGenerator(
    program,
    createParser(program, config),
    createFormatter(config),
    config,
  );
  return (type) => generator.createSchema(type);
}

/** A line of the log, which is one of the kinds in LINES, or several of the same folded, or says nothing but its message. */
function logLine({ $schema, properties: fields = {} }: Schema): Schema {
  const shared: Schema['definitions'] = {
    time: {
      type: 'string',
      pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`,
      description: 'When, in UTC (RFC 3339).',
    },
    level: { enum: ['debug', 'info', 'warn', 'fatal'], description: 'How bad.' },
    ...fields,
    // An error is logged as what it says.
    err: { ...(fields['err'] as Schema), type: 'string' },
  };
  const line = (
    title: string,
    msg: Schema,
    { required, optional = [] }: { required: readonly string[]; optional?: readonly string[] },
  ): Schema => {
    const all = ['time', 'level', ...required, ...optional];
    const properties = all.map((name) => [name, { $ref: `#/definitions/${name}` }]);
    return {
      title,
      type: 'object',
      properties: { msg, ...Object.fromEntries(properties) },
      required: ['time', 'level', 'msg', ...required],
      additionalProperties: false,
    };
  };
  const anyMessage = Object.keys(LINES).map(patternOf).join('|');
  const kinds = Object.entries(LINES).map(([message, required]) =>
    line(message, msgOf(message), { required }),
  );
  const folded = line(
    '… more in … s',
    { type: 'string', pattern: String.raw`^(${anyMessage}) \d+ more in \d+ s$` },
    { required: ['more'], optional: ['client', ...TELLING] },
  );
  const plain = line(
    'a warning about the configuration, or the last line',
    { type: 'string', not: { pattern: String.raw`^(${anyMessage})( \d+ more in \d+ s)?$` } },
    { required: [] },
  );
  return { $schema, definitions: shared, anyOf: [...kinds, folded, plain] };
}

function msgOf(message: string): Schema {
  return message.includes('…')
    ? { type: 'string', pattern: `^${patternOf(message)}$` }
    : { type: 'string', const: message };
}

function patternOf(message: string): string {
  return message.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('…', String.raw`\d+`);
}

if (import.meta.main) {
  const directory = join(REPOSITORY, 'docs/schemas');
  mkdirSync(directory, { recursive: true });
  for (const [name, schema] of Object.entries(makeSchemas()))
    writeFileSync(join(directory, name), `${JSON.stringify(schema, null, 2)}\n`);
}
