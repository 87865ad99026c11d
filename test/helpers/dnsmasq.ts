import { type Daemon, startDaemon, unconfined } from './daemon.ts';

/** dnsmasq on 127.0.0.1, which tells of each question: a forwarder, or with `--address=/name/address` a server of these names. */
export async function startDnsmasq(
  port: number,
  args: readonly string[],
  wrap: (command: string, args: readonly string[]) => readonly [string, readonly string[]] = (...same) =>
    same,
): Promise<Daemon> {
  // In the foreground, as whoever runs the test.
  const plain = ['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--log-queries'];
  const where = ['--listen-address=127.0.0.1', '--bind-interfaces', `--port=${port}`];
  const command = wrap(unconfined('/usr/sbin/dnsmasq'), [...plain, ...where, ...args]);
  return startDaemon(...command, { ready: 'started, version' });
}
