import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { startAnsweringTarget } from '../helpers/answering-target.ts';
import { startDoor } from '../helpers/front-end.ts';
import { fuzz } from '../helpers/fuzz.ts';
import { faultOf } from '../helpers/http-compare.ts';
import { anyClientStream, type ClientStream } from '../helpers/http-corpus/requests.ts';
import { type Options, trickTexts } from '../helpers/http-corpus/tricks.ts';
import { byConnection, flights, passOnMost } from '../helpers/http-passed.ts';
import { playStreams } from '../helpers/play-streams.ts';
import { startReadingApache } from '../helpers/reading-servers/apache.ts';
import { haveRead } from '../helpers/reading-servers/have-read.ts';
import { startReadingNginx } from '../helpers/reading-servers/nginx.ts';
import { startReadingPython } from '../helpers/reading-servers/python.ts';

const { isLong, numRuns, seed } = fuzz(6_000);
const timeout = isLong ? 0 : 120_000;

/** All tricks, and as many other streams. */
function streams(count: number, options: Options): readonly ClientStream[] {
  const tricks = trickTexts(options).map((text) => ({ asProxy: options.asProxy, text, count: 1 }));
  return [...tricks, ...fc.sample(anyClientStream(options), { numRuns: Math.ceil(count), seed })];
}

test('what the relay passes on, nginx, Apache httpd and http.server read the same', { timeout }, async () => {
  const servers = [startReadingNginx(), startReadingApache(), startReadingPython()];
  const port = 8_080;
  const all = [
    ...streams(0.75 * numRuns, { asProxy: false, port }),
    ...streams(0.25 * numRuns, { asProxy: true, port }),
  ];
  const connections = all.flatMap((stream) => {
    const { requests } = passOnMost(Buffer.from(stream.text, 'latin1'), stream);
    // A server that takes CONNECT reads no request behind it.
    return byConnection(requests, ({ hasContent, method }) => hasContent || method === 'CONNECT');
  });
  const texts = connections.map((connection) => flights(connection, 'sent').join(''));
  const passed = connections.flat().length;
  expect(passed).toBeGreaterThan(numRuns / 2);

  const faults: string[] = [];
  for (const server of (await Promise.all(servers)).flat()) {
    const readings = await haveRead(server, texts);
    for (const [i, reading] of readings.entries()) {
      const fault = faultOf(connections[i] ?? [], reading, 'sent');
      if (fault !== null) faults.push(`${server.name}, of ${JSON.stringify(texts[i])}: ${fault}`);
    }
    const requests = readings.flatMap((reading) => reading.requests);
    const read = requests.filter(({ isRefused }) => isRefused !== true);
    const withContent = read.filter(({ content }) => content !== null && content !== '');
    if (isLong) console.log(server.name, { passed, read: read.length, withContent: withContent.length });
    expect(read.length).toBeGreaterThan(passed / 2);
    expect(withContent.length).toBeGreaterThanOrEqual(server.readsContent ? passed / 5 : 0);
  }
  expect(
    faults.toSorted((one, other) => one.length - other.length),
    `seed ${seed}`,
  ).toEqual([]);
});

test.each([
  { mode: 'tcp', asProxy: false },
  { mode: 'http-proxy', asProxy: true },
])(
  'MODE=$mode: nothing leaves the built relay but what RequestReader() takes',
  { timeout },
  async ({ mode, asProxy }) => {
    const [one, other] = [await startAnsweringTarget(), await startAnsweringTarget()];
    const tenants = { 'api.test': '127.0.0.1' };
    const door = await startDoor(
      { httpPort: one.port, tlsPort: other.port, tenants },
      { MODE: mode, NAME_CHECK: 'enforce' },
    );
    const lanes = [
      { target: one, port: asProxy ? door.proxy : door.plain },
      { target: other, port: asProxy ? door.proxy : door.tls },
    ];
    const all = lanes.map(({ target: { port } }) => streams(numRuns / 2, { asProxy, port }));
    const results = await Promise.all(
      lanes.map((lane, i) => playStreams(lane, all[i]?.filter((_, place) => place % 2 === i) ?? [])),
    );
    const sent = results.flatMap((result) => result.sent);
    if (isLong)
      console.log(
        mode,
        results.map(({ count }) => count),
        sent.length,
      );
    expect(
      results.flatMap(({ faults }) => faults),
      `seed ${seed}`,
    ).toEqual([]);
    expect(sent.length).toBeGreaterThan(numRuns / 10);
  },
);
