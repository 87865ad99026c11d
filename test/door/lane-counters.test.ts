import { expect, test } from 'vitest';

import { LaneCounters } from '../../src/door/lane-counters.ts';
import type { Way } from '../../src/door/ways.ts';
import { Counters, sumCounts } from '../../src/relay/counters.ts';
import type { Counted } from '../../src/relay/name-table.ts';

const ONE: Way = { id: 0, port: 443, protocol: 'tcp', host: 'one.test' };
const TWO: Way = { id: 1, port: 443, protocol: 'tcp', host: 'two.test' };
const DATAGRAMS: Way = { id: 2, port: 443, protocol: 'udp', host: 'one.test' };
const WAYS = [ONE, TWO, DATAGRAMS];

/** Counters of relays of TCP and UDP, and what has been counted of each name. */
function open() {
  const [tcp, udp] = [new Counters(), new Counters()];
  const names: Counted[] = [];
  let relays = [
    { port: 443, protocol: 'tcp' as const, counters: tcp },
    { port: 443, protocol: 'udp' as const, counters: udp },
  ];
  const counters = new LaneCounters({ relays: () => relays, onName: (counted) => names.push(counted) });
  /** What the kernel says: new flows, bytes to targets and from them, by the way's id. */
  const note = (counts: Readonly<Record<number, readonly [number, number, number]>>) => {
    const told = Object.entries(counts).map(
      ([id, [opened, sent, received]]) => [Number(id), { opened, sent, received }] as const,
    );
    counters.note(new Map(told), WAYS);
  };
  const closeUdp = () => (relays = relays.slice(0, 1));
  return { tcp: () => sumCounts([tcp.cells]), udp: () => sumCounts([udp.cells]), names, note, closeUdp };
}

test('what the kernel has counted since the last look is added to the port and to the name', () => {
  const { tcp, udp, names, note } = open();
  note({ 0: [1, 10, 100], 1: [2, 20, 200], 2: [5, 50, 500] });
  note({ 0: [1, 11, 101], 1: [4, 20, 200], 2: [5, 50, 500] });
  expect(tcp()).toMatchObject({ opened: 5, sent: 31, received: 301 });
  expect(udp()).toMatchObject({ opened: 5, sent: 50, received: 500 });
  expect(names.map(({ of, cells }) => [of, ...cells.slice(0, 3)])).toEqual([
    [{ asked: 'one.test', port: 443, protocol: 'tcp' }, 1, 11, 101],
    [{ asked: 'two.test', port: 443, protocol: 'tcp' }, 4, 20, 200],
    [{ asked: 'one.test', port: 443, protocol: 'udp' }, 5, 50, 500],
  ]);
});

test('where the kernel begins anew, because somebody took its rules away, all that it says is new', () => {
  const { tcp, note } = open();
  note({ 0: [3, 30, 300] });
  note({ 0: [1, 10, 100] });
  note({});
  note({ 0: [1, 10, 100] });
  expect(tcp()).toMatchObject({ opened: 5, sent: 50, received: 500 });
});

test('what a port has relayed that is closed by now is nobody’s', () => {
  const { tcp, udp, names, note, closeUdp } = open();
  closeUdp();
  note({ 0: [1, 10, 100], 2: [1, 10, 100] });
  expect(tcp()).toMatchObject({ opened: 1 });
  expect(udp()).toMatchObject({ opened: 0 });
  expect(names.map(({ of }) => of?.protocol)).toEqual(['tcp']);
});
