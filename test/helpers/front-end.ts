import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import { a, scriptedServer, zone } from './dns.ts';
import { startNginx } from './nginx.ts';
import { type Sallyport, startSallyport, temporaryDirectory } from './program.ts';
import { closedPort } from './sockets.ts';

/** nginx on loopback, as a front end that tenants share: each one answers with its name, `nobody` whoever asks for none of them. */
export interface FrontEnd {
  /** By name, the address that each has. */
  readonly tenants: Readonly<Record<string, string>>;
  readonly httpPort: number;
  readonly tlsPort: number;
  /** For HTTP/2 by prior knowledge (RFC 9113 §3.3). */
  readonly h2cPort: number;
  /** A file: the one certificate, of all tenants, to be trusted. */
  readonly ca: string;
  /** A directory: what is in /files/ of each tenant. */
  readonly files: string;
  /** All requests that have come before this is called. */
  readonly requests: () => Promise<readonly SeenRequest[]>;
}

/** A request as the front end understood it. */
interface SeenRequest {
  readonly tenant: string;
  /** Its own address to which it was sent. */
  readonly address: string;
  /** The Host field and the server_name of TLS as they were sent; empty where there was none. */
  readonly host: string;
  readonly sni: string;
  readonly line: string;
}

const FENCE = '/fence';
const NOBODY = 'nobody';

export async function startFrontEnd(
  tenants: FrontEnd['tenants'] = { 'api.test': '127.0.0.1', 'bad.test': '127.0.0.1' },
): Promise<FrontEnd> {
  const directory = temporaryDirectory();
  const at = (file: string) => join(directory, file);
  const [httpPort, tlsPort, h2cPort] = [await closedPort(), await closedPort(), await closedPort()];
  mkdirSync(at('files'));
  await makeCertificate(Object.keys(tenants), { certificate: at('ca.pem'), key: at('key.pem') });

  const addresses = [...new Set(Object.values(tenants))];
  const servers = [NOBODY, ...Object.keys(tenants)].map(
    (tenant) => `server {
      ${addresses.map((address) => `listen ${address}:${httpPort};`).join('\n')}
      ${addresses.map((address) => `listen ${address}:${tlsPort} ssl http2;`).join('\n')}
      ${addresses.map((address) => `listen ${address}:${h2cPort} http2;`).join('\n')}
      server_name ${tenant};
      location / { default_type text/plain; return 200 '${tenant}\\n'; }
      location /files/ { root ${directory}; }
    }`,
  );
  const seen = ['server_name', 'server_addr', 'http_host', 'ssl_server_name', 'request'].map(
    (variable) => `$${variable}`,
  );
  writeFileSync(at('access.log'), '');
  await startNginx(
    directory,
    `
      log_format seen escape=none '${seen.join('\t')}';
      access_log ${at('access.log')} seen;
      ssl_certificate ${at('ca.pem')};
      ssl_certificate_key ${at('key.pem')};
      ${servers.join('\n')}`,
  );

  const read = () =>
    readFileSync(at('access.log'), 'latin1')
      .split('\n')
      .filter(Boolean)
      .map((text): SeenRequest => {
        const [tenant = '', address = '', host = '', sni = '', ...line] = text.split('\t');
        return { tenant, address, host, sni, line: line.join('\t') };
      });
  let fences = 0;
  return {
    tenants,
    httpPort,
    tlsPort,
    h2cPort,
    ca: at('ca.pem'),
    files: at('files'),
    // One process takes requests in the order in which they come.
    async requests() {
      const fence = `${FENCE}/${++fences}`;
      const sent = get({ host: addresses[0], port: httpPort, path: fence, agent: false });
      sent.once('response', (answer) => answer.resume());
      await once(sent, 'close');
      await expect.poll(() => read().some(({ line }) => line.includes(fence))).toBe(true);
      return read().filter(({ line }) => !line.includes(FENCE));
    },
  };
}

/** A relay to the front end by the names of these tenants; in front of plain HTTP and of TLS, or as a forward proxy. */
export interface Door {
  readonly relay: Sallyport;
  readonly plain: number;
  readonly tls: number;
  readonly proxy: number;
}

type Environment = Readonly<Record<string, string>>;

/** Starts a relay in front of a front end, with the tenants where its nameserver says they are; what it is told may depend on the ports. */
export async function startDoor(
  { httpPort, tlsPort, tenants }: Pick<FrontEnd, 'httpPort' | 'tlsPort' | 'tenants'>,
  environment: Environment | ((ports: Pick<Door, 'plain' | 'tls' | 'proxy'>) => Environment),
): Promise<Door> {
  const records = Object.entries(tenants).map(([name, address]) => a(name, address));
  const nameserver = await scriptedServer(zone(records));
  const [plain, tls, proxy] = [await closedPort(), await closedPort(), await closedPort()];
  const asked = typeof environment === 'function' ? environment({ plain, tls, proxy }) : environment;
  const where =
    asked['MODE'] === 'http-proxy'
      ? { PORT: `${httpPort} ${tlsPort}`, LISTEN: `${proxy}` }
      : { PORT: `${plain}:${httpPort} ${tls}:${tlsPort}` };
  const relay = startSallyport({
    TARGET: 'api.test',
    PRE_RESOLVE: '1',
    TARGET_SCOPE: 'any',
    NAMESERVERS: `${nameserver.address}:${nameserver.port}`,
    ...where,
    ...asked,
  });
  await relay.line('listening');
  return { relay, plain, tls, proxy };
}

/** Makes a certificate that is its own authority, and its key. */
export async function makeCertificate(
  names: readonly string[],
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<void> {
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const named = [
    '-subj',
    '/CN=front end',
    '-addext',
    `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`,
  ];
  await promisify(execFile)('openssl', ['req', ...made, ...named, '-keyout', key, '-out', certificate]);
}
