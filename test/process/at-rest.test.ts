import { readFileSync } from 'node:fs';

import { expect, test, vi } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { ask } from '../helpers/metrics.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { closedPort, readAll, tcpServer } from '../helpers/sockets.ts';

const WATCHED = 10_000;
/** V8 may clean up a last time; a timer of the relay's, even one a second, would show. */
const FEW_WAITS = 5;

/** CPU time of all threads, in clock ticks (10 ms); fields 14 and 15 of proc(5)'s stat, of which the second may hold spaces. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** How often the main thread has waited for something: each wakeup ends in another wait. */
function waits(pid: number): number {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'latin1');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
}

test.each([
  ['', []],
  [', once its metrics were asked for', ['/metrics']],
])(
  'at rest the relay uses no CPU, and does not wake up%s',
  async (_, pages) => {
    const admin = await closedPort();
    const environment: Record<string, string> = pages.length > 0 ? { ADMIN_PORT: String(admin) } : {};
    const { port: target } = await tcpServer((socket) => socket.end('found'));
    const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1', 3_600)]));
    const { relay, connect } = await startNamedRelay(target, `127.0.0.1:${nameserver.port}`, environment);
    const client = await connect();
    expect((await readAll(client)).toString()).toBe('found');
    client.end();
    for (const page of pages) expect((await ask(admin, page)).status).toBe(200);
    const pid = relay.process.pid ?? 0;
    const watch = async (duration: number) => {
      const before = { ticks: ticks(pid), waits: waits(pid) };
      await new Promise((resolve) => setTimeout(resolve, duration));
      return { ticks: ticks(pid) - before.ticks, waits: waits(pid) - before.waits };
    };
    await vi.waitUntil(async () => (await watch(500)).waits === 0, { timeout: 10_000 });
    const asked = nameserver.queries.length;
    let during = await watch(WATCHED);
    // A last cleaning up, half a minute later at most, takes 20 ms; what is the relay's own comes again.
    for (let again = 0; again < 3 && (during.ticks > 1 || during.waits > FEW_WAITS); again++)
      during = await watch(WATCHED);
    expect(nameserver.queries).toHaveLength(asked);
    expect(during.ticks).toBeLessThanOrEqual(1);
    expect(during.waits).toBeLessThanOrEqual(FEW_WAITS);
  },
  90_000,
);
