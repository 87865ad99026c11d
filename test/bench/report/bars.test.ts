import { expect, test } from 'vitest';

import type { Readings, Sample } from '../../../bench/metrics.ts';
import { bars, barsTable } from '../../../bench/report/bars.ts';
import { summarizePeers } from '../../../bench/report/statistics.ts';

function sample(peer: string, readings: Readings): Sample {
  return { load: 'any', peer, round: 1, readings };
}

function rowsFor(samples: readonly Sample[], words: string): readonly string[] {
  const peers = samples.map(({ peer }) => peer);
  const table = barsTable(bars(summarizePeers(samples, peers), null, 10_000));
  return table.split('\n').filter((row) => row.includes(words));
}

test('bars() are met at the limit, and not below', () => {
  const samples = (upload: number) => [
    sample('haproxy', { upload: 10 }),
    sample('nginx', { upload: 10 }),
    sample('sallyport', { upload }),
  ];
  expect(rowsFor(samples(12), "bulk upload, of HAProxy's")[0]).toMatch(/1\.20 × \| +1\.20 × \| +met \|$/);
  expect(rowsFor(samples(11.9), "bulk upload, of nginx's")[0]).toMatch(/1\.19 × \| +\*\*not met\*\* \|$/);
});

test('bars() that ask for less are met below', () => {
  const samples = [sample('haproxy', { uploadCpu: 1 }), sample('sallyport', { uploadCpu: 0.7 })];
  expect(rowsFor(samples, 'CPU per GB, upload')[0]).toMatch(/at most 0\.80 × \| +0\.70 × \| +met \|$/);
});

test('bars() on names compare the relay with itself', () => {
  const samples = [
    sample('names-off', { helloConnections: 100 }),
    sample('names-enforce', { helloConnections: 84 }),
  ];
  expect(rowsFor(samples, 'TLS name checked')[0]).toMatch(/0\.84 × \| +\*\*not met\*\* \|$/);
});

test('bars() on names in HTTP compare the relay with others that read each request', () => {
  const samples = [
    sample('haproxy-http', { namedRoundTrips: 100, namedConnections: 100 }),
    sample('nginx-http', { namedRoundTrips: 110 }),
    sample('names-enforce', { namedRoundTrips: 90, namedRoundTripsCpu: 31, namedConnections: 79 }),
  ];
  const rows = rowsFor(samples, 'HTTP Host checked').filter((row) => !row.includes('not measured'));
  expect(rows).toEqual([
    expect.stringMatching(/^\| kept-alive requests.* HAProxy's .* 0\.90 × \| +met \|$/),
    expect.stringMatching(/^\| kept-alive requests.* nginx's .* 0\.82 × \| +\*\*not met\*\* \|$/),
    expect.stringMatching(
      /^\| CPU for a kept-alive request.* at most 30 µs \| +31 µs \| +\*\*not met\*\* \|$/,
    ),
    expect.stringMatching(/^\| new connections.* HAProxy's .* 0\.79 × \| +\*\*not met\*\* \|$/),
  ]);
});

test('bars() on DNS compare the relay with dnsmasq', () => {
  const samples = [
    sample('dnsmasq', { dnsAnswers: 100, dnsP99: 50 }),
    sample('sallyport', { dnsAnswers: 50, dnsP99: 101 }),
  ];
  expect(rowsFor(samples, 'DNS answers')).toEqual([
    expect.stringMatching(/^\| DNS answers a second.* at least 0\.50 × \| +0\.50 × \| +met \|$/),
    expect.stringMatching(/^\| DNS answers, p99.* at most 2\.00 × \| +2\.02 × \| +\*\*not met\*\* \|$/),
  ]);
});

test('bars() on lanes compare them with the kernel by itself, and with others', () => {
  const samples = [
    sample('haproxy', { roundTrips: 100 }),
    sample('dnat', { roundTrips: 160, datagrams: 100 }),
    sample('nginx', { datagrams: 40 }),
    sample('fast-lane', { roundTrips: 180, datagrams: 94, idleMemory: 0.2 }),
  ];
  const rows = rowsFor(samples, 'FAST_LANE').filter((row) => !row.includes('not measured'));
  expect(rows).toEqual([
    expect.stringMatching(/^\| FAST_LANE, small round trips, of DNAT's.* 1\.13 × \| +met \|$/),
    expect.stringMatching(/^\| FAST_LANE, small round trips, of HAProxy's.* 1\.80 × \| +met \|$/),
    expect.stringMatching(/^\| FAST_LANE, UDP datagrams, of DNAT's.* 0\.94 × \| +\*\*not met\*\* \|$/),
    expect.stringMatching(/^\| FAST_LANE, UDP datagrams, of nginx's.* 2\.35 × \| +\*\*not met\*\* \|$/),
    expect.stringMatching(/^\| FAST_LANE, memory per idle.* 0\.2 KB \| +\*\*not met\*\* \|$/),
  ]);
});

test('bars() on addresses of names compare a thousand with one', () => {
  const samples = [
    sample('one-name', { addressedConnections: 100 }),
    sample('thousand-names', { addressedConnections: 97 }),
  ];
  expect(rowsFor(samples, "1,000 names' addresses")[0]).toMatch(/ 0\.97 × \| +\*\*not met\*\* \|$/);
});

test('bars() that nobody measured say so', () => {
  const all = bars({}, null, 10_000);
  expect(all.every(({ measured }) => measured === null)).toBe(true);
  expect(rowsFor([], 'not measured')).toHaveLength(all.length);
});
