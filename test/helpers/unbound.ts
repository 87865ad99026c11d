import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startDaemon, unconfined } from './daemon.ts';
import { temporaryDirectory } from './program.ts';
import { closedPort } from './sockets.ts';

const TLS = join(import.meta.dirname, '../fixtures/tls');
/** The authority that signed unbound's certificate, for a program's environment. */
export const trustedCa = { NODE_EXTRA_CA_CERTS: join(TLS, 'ca.pem') };

/** Lines of a zone file, by the zone's name. */
type Zones = Readonly<Record<string, readonly string[]>>;

/** unbound on 127.0.0.1: a recursive server that holds its zones itself. Its certificate is for api.test and 127.0.0.1. */
export interface Unbound {
  /** For UDP and TCP. */
  readonly port: number;
  readonly tlsPort: number;
  readonly httpsPort: number;
  /** Has it hold these zones from now on. With `cached`, it still says what it said before until the TTLs are over. */
  readonly rewrite: (zones: Zones, options?: { readonly cached?: boolean }) => Promise<void>;
  /** How many questions came by each protocol. */
  readonly questions: () => Promise<Readonly<Record<'udp' | 'tcp' | 'tls' | 'https', number>>>;
}

export async function startUnbound(zones: Zones): Promise<Unbound> {
  const directory = temporaryDirectory();
  const zoneFile = (zone: string) => join(directory, `${zone}.zone`);
  const write = (contents: Zones) => {
    for (const [zone, lines] of Object.entries(contents)) {
      const soa = `@ 60 SOA ns.${zone}. admin.${zone}. 1 3600 600 86400 5`;
      writeFileSync(zoneFile(zone), [`$ORIGIN ${zone}.`, soa, ...lines, ''].join('\n'));
    }
  };
  const [port, tlsPort, httpsPort] = [await closedPort(), await closedPort(), await closedPort()];
  const conf = join(directory, 'unbound.conf');
  const lines = [
    'server:',
    ...[port, tlsPort, httpsPort].map((each) => `interface: 127.0.0.1@${each}`),
    `tls-port: ${tlsPort}`,
    `https-port: ${httpsPort}`,
    `tls-service-pem: ${join(TLS, 'api.pem')}`,
    `tls-service-key: ${join(TLS, 'api.key')}`,
    'use-syslog: no',
    'username: ""',
    'chroot: ""',
    'pidfile: ""',
    'module-config: "iterator"',
    'extended-statistics: yes',
    // By default unbound itself says that nothing is in .test (RFC 6761).
    'local-zone: "test." nodefault',
    'remote-control:',
    'control-enable: yes',
    `control-interface: ${join(directory, 'control.sock')}`,
    'control-use-cert: no',
    ...Object.keys(zones).flatMap((zone) => [
      'auth-zone:',
      `name: "${zone}"`,
      `zonefile: "${zoneFile(zone)}"`,
      'for-downstream: no',
    ]),
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  write(zones);
  await startDaemon(unconfined('/usr/sbin/unbound'), ['-d', '-c', conf], { ready: 'start of service' });

  const control = async (...command: string[]) =>
    (await promisify(execFile)('/usr/sbin/unbound-control', ['-c', conf, ...command])).stdout;
  return {
    port,
    tlsPort,
    httpsPort,
    async rewrite(contents, { cached = false } = {}) {
      write(contents);
      for (const zone of Object.keys(contents)) {
        await control('auth_zone_reload', zone);
        if (!cached) await control('flush_zone', zone);
      }
    },
    async questions() {
      const statistics = await control('stats_noreset');
      const count = (key: string) => Number(new RegExp(`^${key}=(\\d+)$`, 'm').exec(statistics)?.[1]);
      // Those over HTTPS are counted as over TLS too, and those over TLS as over TCP.
      const [all, stream] = [count('total.num.queries'), count('num.query.tcp')];
      const [secure, https] = [count('num.query.tls'), count('num.query.https')];
      return { udp: all - stream, tcp: stream - secure, tls: secure - https, https };
    },
  };
}
