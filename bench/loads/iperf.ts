import { runToEnd } from '../world/launch.ts';
import type { Place } from '../world/place.ts';

/** What iperf3 tells at the end, as far as it is used. */
interface Report {
  readonly error?: string;
  readonly end: {
    readonly sum_received: { readonly bytes: number; readonly bits_per_second: number };
    readonly sum: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
  };
}

/** Runs iperf3's client, for so many s, to its end. */
export async function iperf(
  place: Place,
  { address, port }: { address: string; port: number },
  { seconds, args }: { readonly seconds: number; readonly args: readonly string[] },
): Promise<Report['end']> {
  const target = ['--client', address, '--port', String(port), '--time', String(seconds), '--json'];
  const report = JSON.parse(await runToEnd(place, ['iperf3', ...target, ...args], { seconds })) as Report;
  if (report.error !== undefined) throw new Error(`iperf3: ${report.error}`);
  return report.end;
}
