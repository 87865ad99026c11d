import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { startRelayTo } from '../helpers/program.ts';
import { readSome, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** Connections that live throughout, that come and go, and of the latter so many at a time. */
const LASTING = 24;
const BRIEF = 3_000;
const AT_A_TIME = 24;

/** Says something that nobody else says, and compares what comes back. */
async function echoed(client: Awaited<ReturnType<typeof tcpClient>>): Promise<boolean> {
  const said = randomBytes(64 + Math.floor(Math.random() * 4_000));
  client.write(said);
  return (await readSome(client, said.length)).equals(said);
}

test.each(['1', '3'])(
  'a descriptor that is closed is another connection’s at once, and no byte goes astray (WORKERS=%s)',
  async (WORKERS) => {
    let served = 0;
    const { port: target } = await tcpServer((socket) => {
      socket.on('error', () => {}).pipe(socket);
      // The far side resets some of them too, once it has answered.
      if (++served % 7 === 0) socket.once('end', () => socket.resetAndDestroy());
    });
    const { relay, port } = await startRelayTo(target, { WORKERS, MAX_CONNECTIONS: '1000' });
    const descriptors = () => readdirSync(`/proc/${relay.process.pid}/fd`).map(Number);
    const lasting = await Promise.all(Array.from({ length: LASTING }, () => tcpClient(port)));
    const faults: string[] = [];

    const over = new AbortController();
    const last = async (client: (typeof lasting)[number]) => {
      client.once('close', () => over.signal.aborted || faults.push('a lasting connection has ended'));
      while (!over.signal.aborted && faults.length === 0) {
        if (!(await echoed(client))) faults.push('a lasting connection has got what it has not sent');
        await delay(5);
      }
    };
    let opened = 0;
    let highest = 0;
    const comeAndGo = async () => {
      while (opened < BRIEF && faults.length === 0) {
        const isRude = ++opened % 3 === 0;
        const client = await tcpClient(port);
        if (!(await echoed(client))) faults.push('a brief connection has got what it has not sent');
        if (opened % 100 === 0) highest = Math.max(highest, ...descriptors());
        const closed = once(client, 'close');
        if (isRude) client.resetAndDestroy();
        else client.on('error', () => {}).end();
        await closed;
      }
    };

    const brief = Promise.all(Array.from({ length: AT_A_TIME }, comeAndGo));
    const ended = brief.then(() => over.abort());
    await Promise.all([...lasting.map(last), ended]);
    expect(faults).toEqual([]);
    // So many numbers alone have served all connections, two each.
    expect(highest).toBeGreaterThan(2 * LASTING);
    expect(highest).toBeLessThan(BRIEF / 5);
  },
);
