import { deepEqual, equal, match } from 'node:assert/strict';
import { Readable } from 'node:stream';

import { readRequest } from '../../../src/control/read-request.ts';
import { MAX_TIMEOUT } from '../../../src/lib/deadline.ts';
import { waysToCut } from '../ways-to-cut.ts';

const MAX_LENGTH = 1_024;
/** All that is said against a request, each with what is accepted. */
const REASONS =
  /^(a request (has at most 1024 bytes|is one JSON object)|[^]* is unknown: a request has blackout and duration, or names|(blackout|duration|names)=[^]*: it (takes|goes with) [^]*)$/;

/** A request is read the same however it comes, whole or not at all: as its JSON says it, and as the protocol has it. */
export async function fuzz(bytes: Buffer): Promise<void> {
  const [whole, ...others] = await Promise.all(waysToCut(bytes).map(read));
  for (const other of others) deepEqual(other, whole);
  if (whole instanceof Error) match(whole.message, REASONS);
  const expected = meaningOf(bytes);
  equal(whole instanceof Error, expected === undefined);
  if (expected !== undefined) deepEqual(whole, expected);
}

function read(pieces: readonly Buffer[]): Promise<unknown> {
  return readRequest(Readable.from(pieces)).catch((error: unknown) => error);
}

/** The request, read plainly; null for none at all, and undefined for what is none. */
function meaningOf(bytes: Buffer): unknown {
  if (bytes.length === 0) return null;
  if (bytes.length > MAX_LENGTH) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields).toSorted().join(' ');
  if (names === 'names') return fields['names'] === true ? { names: true } : undefined;
  if (names !== 'blackout' && names !== 'blackout duration') return undefined;
  const { blackout, duration = null } = fields;
  const isState = blackout === 'off' || blackout === 'on' || blackout === 'draining';
  const isTime = Number.isInteger(duration) && Number(duration) >= 1 && Number(duration) <= MAX_TIMEOUT;
  return isState && (duration === null || (isTime && blackout !== 'off'))
    ? { blackout, duration }
    : undefined;
}
