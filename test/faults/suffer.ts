import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { expect } from 'vitest';

import type { Seen } from './protocol.ts';
import { type Door, type DoorOptions, openWorld, type Rest, type World } from './world.ts';

/** Something that goes wrong beside clients that it does not concern. */
export interface Fault {
  readonly name: string;
  /** The door that it is tried on; by default it has nothing special. */
  readonly door?: () => DoorOptions;
  readonly inflict: (world: World) => unknown;
  /** What the client that it hits sees of it, sooner or later. */
  readonly shows?: (seen: Seen, before: Seen) => boolean;
  readonly mend?: (world: World) => unknown;
  /** Whether it holds up everybody, so that the other client goes on only when it is mended. */
  readonly hitsAll?: boolean;
  /** How a stream of the client that it hits may end, beside what every fault may lead to: a reset. */
  readonly endings?: readonly string[];
  /** Whether the target itself ends answers early. */
  readonly isShort?: boolean;
  /** Whether nobody at all notices it. */
  readonly isHarmless?: boolean;
}

/** Whether a client's calls wait for answers. */
export function isHeldUp({ pending }: Seen, before: Seen): boolean {
  return pending > before.pending + 20;
}

/** Whether a client is cut off, or kept waiting. */
export function isHit(seen: Seen, before: Seen): boolean {
  return ['ECONNRESET', 'ECONNREFUSED'].some((code) => code in seen.calls.failed) || isHeldUp(seen, before);
}

/** Whether each of these targets has answered since. */
export function isServedBy(...addresses: readonly string[]): NonNullable<Fault['shows']> {
  return ({ servers }, before) =>
    addresses.every((address) => (servers[address] ?? 0) > (before.servers[address] ?? 0));
}

/** How many calls, datagrams and bytes show that a client is served. */
const SERVED = { calls: 10, bytes: 50_000 };
/** Beyond the memory of rest. */
const NEAR = { factor: 1.3, bytes: 8 * 2 ** 20 };
const PATIENCE = { timeout: 30_000, interval: 100 };

/** Has a door outlive a fault: whom it does not concern notices nothing, whom it hits is told no lie and served again, and what it took is given back. */
export async function suffer({
  door: options = () => ({}),
  inflict,
  shows,
  mend = () => {},
  hitsAll = false,
  endings = [],
  isShort = false,
  isHarmless = false,
}: Omit<Fault, 'name'>): Promise<void> {
  const world = await openWorld(options());
  const { client } = world;
  const rest = await restOf(world.door);
  const memory = await world.door.residentMemory();

  for (const each of [client.good, client.bad]) each.tell({ call: each.way });
  await Promise.all([served(client.good), served(client.bad)]);

  const before = await client.bad.seen();
  await inflict(world);
  if (shows !== undefined)
    await expect
      .poll(async () => shows(await client.bad.seen(), before), {
        ...PATIENCE,
        message: 'the fault shows',
      })
      .toBe(true);
  if (!hitsAll) await served(client.good);
  else await delay(1_000);
  await mend(world);
  await Promise.all([served(client.good), served(client.bad)]);
  const after = { good: await client.good.seen(), bad: await client.bad.seen() };
  for (const each of [client.good, client.bad]) each.tell({ stop: true });
  const allowed = { endings, isShort };
  expect(wrongsOf(after.good, hitsAll ? allowed : null)).toEqual(unharmed);
  expect(wrongsOf(after.bad, isHarmless ? null : allowed)).toEqual(unharmed);

  await expect.poll(() => world.door.rest(), PATIENCE).toEqual(rest);
  await expect
    .poll(() => world.door.residentMemory(), PATIENCE)
    .toBeLessThan(memory * NEAR.factor + NEAR.bytes);
}

/** What the door holds once its start is behind it: twice the same, with a pause between. */
async function restOf(door: Door): Promise<Rest> {
  for (let last = await door.rest(); ;) {
    await delay(200);
    const rest = await door.rest();
    if (isDeepStrictEqual(rest, last)) return rest;
    last = rest;
  }
}

/** What a fault may do to a client: it is told of each cut; and its streams may end so, or its calls early, as ended by who they go to. */
interface Allowed {
  readonly endings: readonly string[];
  readonly isShort: boolean;
}

export const unharmed = { wrong: [], short: 0, endings: [], failed: {} };
/** The ways in which a client is told that it has not had all. */
const CUTS = ['ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT'];

/** What a client has seen that must not be, beyond what is allowed. */
export function wrongsOf({ stream, datagrams, calls, udpCalls, webCalls }: Seen, allowed: Allowed | null) {
  const ways = { stream, datagrams, calls, udpCalls, webCalls };
  const known = allowed === null ? [] : [...CUTS, ...allowed.endings];
  return {
    wrong: Object.entries(ways).flatMap(([way, { wrong }]) => (wrong === 0 ? [] : [way])),
    short: allowed?.isShort === true ? 0 : calls.short,
    endings: stream.endings.filter((ending) => !known.includes(ending)),
    failed: allowed === null ? { ...calls.failed, ...udpCalls.failed, ...webCalls.failed } : {},
  };
}

/** Resolves when a client has been served in every way from now on. */
export async function served(client: { readonly seen: () => Promise<Seen> }): Promise<void> {
  const then = await client.seen();
  const missing = async () => {
    const now = await client.seen();
    const ways = {
      stream: now.stream.echoed - then.stream.echoed >= SERVED.bytes,
      datagrams: now.datagrams.answered - then.datagrams.answered >= SERVED.calls,
      calls: now.calls.done - then.calls.done >= SERVED.calls,
      udpCalls: now.udpCalls.done - then.udpCalls.done >= SERVED.calls,
      webCalls: now.webCalls.done - then.webCalls.done >= SERVED.calls,
    };
    return Object.entries(ways).flatMap(([way, isServed]) => (isServed ? [] : [way]));
  };
  await expect.poll(missing, PATIENCE).toEqual([]);
}
