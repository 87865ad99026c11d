import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

import type { Readings } from '../metrics.ts';
import { highestRate, type Try } from './highest-rate.ts';
import { iperf } from './iperf.ts';
import type { Load, Run } from './load.ts';
import { serve } from './serve.ts';
import { cpuPer, withCpu } from './with-cpu.ts';

const PAYLOAD = 64; // bytes
const SEARCH = { from: 20_000, maxLoss: 0.01 };
/** Each makes the result twice as exact, to 4 % in the end, where there is time for it. */
const halvings = (seconds: number) => (seconds < 2 ? 1 : 4);
/** So that what still lies in buffers is not taken for the next try's first datagram. */
const PAUSE = 300; // ms
const WANTED_BUFFER = 4 * 1024 * 1024;

interface Timed extends Try {
  readonly arrived: number;
  readonly cpu: number | null;
}

/**
 * Small datagrams one way, as many as arrive with less than 1 % lost. iperf3 agrees on each try over TCP on the same port, so a peer relays both.
 */
export function datagrams(): Load {
  return {
    name: 'datagrams',
    description: `iperf3, datagrams of ${PAYLOAD} bytes from one client; the highest rate with less than 1 % lost`,
    needs: { iperf3: 'iperf3' },
    async serve(world, stack) {
      const port = await serve(world, stack, (free) => ['iperf3', '--server', '--port', String(free)]);
      return { port, protocols: ['tcp', 'udp'], connections: 100 };
    },
    async run(run): Promise<Readings> {
      const best = await highestRate((rate) => attempt(rate, run), {
        ...SEARCH,
        halvings: halvings(run.seconds),
      });
      if (best === null) throw new Error('no rate passes');
      const { delivered, arrived, cpu } = best;
      return { datagrams: delivered, ...cpuPer('datagramsCpu', cpu, arrived / 1e6) };
    },
  };
}

/** A rate in datagrams a second, for some of a run's time: there are about ten tries to a search. */
async function attempt(rate: number, { world, started, seconds }: Run): Promise<Timed> {
  await wait(PAUSE);
  const time = Math.max(1, Math.round(seconds / 4));
  const bits = Math.round(rate * PAYLOAD * 8);
  const sizes = ['--length', String(PAYLOAD), '--window', String(bufferSize()), '--bitrate', String(bits)];
  const { result, cpu } = await withCpu(started, () =>
    iperf(world.client, started, { seconds: time, args: ['--udp', ...sizes] }),
  );
  const { packets, lost_packets: lost, seconds: lasted } = result.sum;
  const arrived = packets - lost;
  return { offered: packets / lasted, delivered: arrived / lasted, arrived, cpu };
}

/** For iperf3's own sockets, so that what is lost is lost by the peer; as much as the machine allows. */
function bufferSize(): number {
  const allowed = ['rmem_max', 'wmem_max'].map((name) =>
    Number(readFileSync(`/proc/sys/net/core/${name}`, 'latin1')),
  );
  return Math.min(WANTED_BUFFER, ...allowed);
}
