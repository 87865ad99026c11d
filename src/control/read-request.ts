import type { Readable } from 'node:stream';

import { MAX_TIMEOUT } from '../lib/deadline.ts';
import type { BlackoutRequest, Request } from './protocol.ts';

/** In bytes. */
const MAX_LENGTH = 1_024;
const STATES = ['off', 'on', 'draining'] satisfies readonly BlackoutRequest['blackout'][];
const FIELDS = new Set(['blackout', 'duration', 'names']);

/** Reads a request up to its end; null when there is nothing. Rejects, with what is accepted, when it is none. */
export async function readRequest(stream: Readable): Promise<Request | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_LENGTH) throw new Error(`a request has at most ${MAX_LENGTH} bytes`);
  }
  return length === 0 ? null : parseRequest(Buffer.concat(chunks).toString());
}

/** Throws when that is no request. */
function parseRequest(text: string): Request {
  const request = parseObject(text);
  const given = Object.keys(request);
  const unknown = given.find((name) => !FIELDS.has(name));
  if (unknown !== undefined)
    throw new Error(`${unknown} is unknown: a request has blackout and duration, or names`);

  const { blackout, duration = null, names } = request;
  if (names !== undefined) {
    if (names === true && given.length === 1) return { names };
    throw new Error(`names=${JSON.stringify(names)}: it takes true, and stands alone`);
  }
  const state = STATES.find((each) => each === blackout);
  if (state === undefined)
    throw new Error(`blackout=${JSON.stringify(blackout)}: it takes ${STATES.join(', ')}`);
  if (duration !== null && state === 'off')
    throw new Error(`duration=${JSON.stringify(duration)}: it goes with a blackout that begins`);
  if (!isDuration(duration))
    throw new Error(
      `duration=${JSON.stringify(duration)}: it takes a whole number of ms from 1 to ${MAX_TIMEOUT}, or null`,
    );
  return { blackout: state, duration };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // No JSON is no object either.
  }
  throw new Error('a request is one JSON object');
}

function isDuration(value: unknown): value is number | null {
  if (value === null) return true;
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_TIMEOUT;
}
