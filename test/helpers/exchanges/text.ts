import { randomBytes } from 'node:crypto';

import type { ClientStep, Step } from '../exchange.ts';

/** Exchanges over HTTP/1, by what is special about them. */
export type Exchanges = Readonly<Record<string, readonly Step[]>>;

export const HOST = 'Host: api.test';
export const CHUNKED = 'Transfer-Encoding: chunked';
/** Every byte that a target or a value may hold beside ASCII's (RFC 9110 §5.5). */
export const OBS_TEXT = Buffer.from(Array.from({ length: 128 }, (_, i) => 128 + i)).toString('latin1');
/** More than the relay reads at a time. */
export const LARGE = randomBytes(700_000).toString('latin1');

/** The head of a request or an answer. */
export function head(...lines: readonly string[]): string {
  return [...lines, '', ''].join('\r\n');
}

/** A good answer with these fields. */
export function answer(fields: readonly string[], content = ''): string {
  return `${head('HTTP/1.1 200 OK', ...fields)}${content}`;
}

export const OK = answer(['Content-Length: 2'], 'ok');

/** A request that arrives as it is, if it is not said how, and what it is answered. */
export function turn(request: string | ClientStep, text = OK, { ends = false } = {}): readonly Step[] {
  return [typeof request === 'string' ? { client: request } : request, { target: text, ends }];
}

/** Content in chunks of a size (RFC 9112 §7.1). */
export function inChunks(content: string, size: number): string {
  const chunks: string[] = [];
  for (let at = 0; at < content.length; at += size) {
    const data = content.slice(at, at + size);
    chunks.push(`${data.length.toString(16)}\r\n${data}\r\n`);
  }
  return `${chunks.join('')}0\r\n\r\n`;
}
