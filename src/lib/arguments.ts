import { parseArgs } from 'node:util';

import { alignColumns } from './align-columns.ts';
import { findNearest } from './near-misses.ts';

/** What a program is, and what it can be asked to do. */
export interface Program {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** What follows the options in its help. */
  readonly epilogue: string;
  readonly commands: readonly Command[];
}

export interface Command {
  /** null: what the program does when no command is named. */
  readonly name: string | null;
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  /** What may follow the command's name beside options; nothing where this is not set. */
  readonly operands?: Operands;
  /** Resolves with the exit code. */
  readonly run: (asked: Asked, io: Io) => Promise<number>;
}

interface Operands {
  /** As the help shows them: `on|off`, `[NAME]` or `RULE...`. */
  readonly usage: string;
  readonly summary: string;
  readonly min: number;
  readonly max: number;
  /** Those that there are; where this is not set, the command reads them itself. */
  readonly words?: readonly string[];
}

interface Option {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  readonly summary: string;
}

/** What the command line says beside the command's name. */
interface Asked {
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly operands: readonly string[];
}

/** What a command may use of the process. */
export interface Io {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (...lines: readonly string[]) => void;
  readonly printError: (...lines: readonly string[]) => void;
}

/** The command line cannot be used; the message says why, and names what was probably meant. */
export class UsageError extends Error {}

const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  help: { type: 'boolean', short: 'h', summary: 'show this' },
  version: { type: 'boolean', summary: 'show the version' },
};
/** What is an error anyway may be guessed at boldly: a slip in every other letter. */
const LETTERS_PER_SLIP = 2;

/** Runs the command that the arguments name. Resolves with the exit code; rejects with a UsageError when they cannot be understood. */
export async function runProgram(program: Program, args: readonly string[], io: Io): Promise<number> {
  const { command, rest } = chooseCommand(program, args);
  const { options, operands } = parse(command, rest);
  if (options['help'] === true) io.print(...describe(program, command));
  else if (options['version'] === true) io.print(`${program.name} ${program.version}`);
  else if (command.operands !== undefined && operands.length < command.operands.min)
    throw new UsageError(`${command.name} takes ${command.operands.usage}: ${command.operands.summary}`);
  else return command.run({ options, operands }, io);
  return 0;
}

function chooseCommand(
  { commands }: Program,
  args: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const [first, ...rest] = args;
  const nameless = commands.find(({ name }) => name === null);
  if (nameless !== undefined && (first === undefined || first.startsWith('-') || commands.length === 1))
    return { command: nameless, rest: args };
  const command = commands.find(({ name }) => name === first);
  if (command !== undefined) return { command, rest };
  const names = commands.flatMap(({ name }) => name ?? []);
  throw unknown('command', first ?? '', names);
}

/** Node's parser, in its lenient way first: its strict way knows no near misses. */
function parse(command: Command, args: readonly string[]): Asked {
  const options = { ...COMMON_OPTIONS, ...command.options };
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const flags = Object.keys(options).map((name) => `--${name}`);
  const operands: string[] = [];
  for (const token of tokens) {
    const [text = ''] = (args[token.index] ?? '').split('=');
    if (token.kind === 'option' && !Object.hasOwn(options, token.name)) throw unknown('option', text, flags);
    if (token.kind !== 'positional') continue;
    const { max = 0, words = null } = command.operands ?? {};
    const isFull = operands.length >= max;
    if (isFull || words?.includes(token.value) === false)
      throw unknown('argument', token.value, [...(isFull ? [] : (words ?? [])), ...flags]);
    operands.push(token.value);
  }
  try {
    return { options: parseArgs({ args, options, allowPositionals: true }).values, operands };
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function unknown(
  kind: 'command' | 'option' | 'argument',
  text: string,
  known: readonly string[],
): UsageError {
  const names = new Map(known.map((each) => [withoutDashes(each), each]));
  const nearest = findNearest(withoutDashes(text), [...names.keys()], LETTERS_PER_SLIP);
  const hint = nearest === null ? `there is ${known.join(', ')}` : `did you mean ${names.get(nearest)}?`;
  return new UsageError(`unknown ${kind} '${text}': ${hint}`);
}

function withoutDashes(text: string): string {
  return text.replace(/^-+/, '');
}

/** The help on a command; on the one without a name, it is that on the program. */
function describe(program: Program, command: Command): readonly string[] {
  const named = program.commands.flatMap(({ name, summary }) => (name === null ? [] : [[name, summary]]));
  const isWhole = command.name === null;
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, { type, short, summary }]) => [
      `${short === undefined ? '    ' : `-${short}, `}--${name}${type === 'string' ? ' <value>' : ''}`,
      summary,
    ],
  );
  const usage = [
    nameOf(program, command),
    ...(isWhole && named.length > 0 ? ['[command]'] : []),
    ...(command.operands === undefined ? [] : [command.operands.usage]),
    '[options]',
  ].join(' ');
  const summary = isWhole ? program.summary : command.summary;
  return [
    `Usage: ${usage}`,
    '',
    summary,
    '',
    ...(command.operands === undefined
      ? []
      : ['Arguments:', ...indented([[command.operands.usage, command.operands.summary]]), '']),
    ...(isWhole && named.length > 0
      ? ['Commands:', ...indented([['(none)', command.summary], ...named]), '']
      : []),
    'Options:',
    ...indented(options),
    ...(isWhole ? ['', program.epilogue] : []),
  ];
}

function indented(rows: readonly (readonly string[])[]): readonly string[] {
  return alignColumns(rows).map((line) => `  ${line}`);
}

function nameOf({ name }: Program, command: Command): string {
  return command.name === null ? name : `${name} ${command.name}`;
}
