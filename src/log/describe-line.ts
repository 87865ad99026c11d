import { visible } from '../lib/visible.ts';

const LEVEL_WIDTH = 5;
/** What a value may hold without being quoted. */
const PLAIN = /^[\w.:/*\-[\]→]+$/;

/**
 * A line of the log for people: `19:15:31.042Z warn  refused client=10.0.0.2:40312 rule="not in TARGET"`.
 * Nothing in it can steer a terminal.
 *
 * pino-pretty shows fields as JSON, and brings a dozen packages.
 */
export function describeLine(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const clock = String(time).slice('2026-01-01T'.length);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${describeValue(value)}`);
  return visible([clock, String(level).padEnd(LEVEL_WIDTH), msg, ...pairs].join(' '));
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describeValue).join(',')}]`;
  return typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value);
}
