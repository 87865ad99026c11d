import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { makeCertificate } from '../helpers/front-end.ts';
import { startNginx } from '../helpers/nginx.ts';
import { runHealthcheck, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { run } from '../helpers/run.ts';
import { closedPort, readAll, readSome, tcpClient } from '../helpers/sockets.ts';

/** What the app says and logs: the client and where it has connected to, as the header names them, and the app's real client. */
const SEEN =
  '$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port $realip_remote_addr';

/** nginx as the app, and the relay in front of it; `logged` are the lines of its access log. */
async function world(settings: Readonly<Record<string, string>>) {
  const directory = temporaryDirectory();
  const at = (file: string) => join(directory, file);
  const [httpPort, tlsPort] = [await closedPort(), await closedPort()];
  await makeCertificate(['api.test'], { certificate: at('ca.pem'), key: at('key.pem') });
  await startNginx(
    directory,
    `log_format seen '${SEEN} $request';
     access_log ${at('access.log')} seen;
     ssl_certificate ${at('ca.pem')};
     ssl_certificate_key ${at('key.pem')};
     server {
       listen 127.0.0.1:${httpPort} proxy_protocol;
       listen 127.0.0.1:${tlsPort} ssl proxy_protocol;
       location / { default_type text/plain; return 200 '${SEEN}'; }
     }`,
  );
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1')]));
  const [plain, tls] = [await closedPort(), await closedPort()];
  const environment = {
    TARGET: 'api.test',
    PORT: `${plain}:${httpPort} ${tls}:${tlsPort}`,
    PRE_RESOLVE: '1',
    TARGET_SCOPE: 'any',
    NAMESERVERS: `${nameserver.address}:${nameserver.port}`,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    ...settings,
  };
  await startSallyport(environment).line('listening');
  const logged = () => readFileSync(at('access.log'), 'latin1').split('\n').filter(Boolean);
  return { plain, tls, ca: readFileSync(at('ca.pem')), environment, logged };
}

const bodyOf = (answer: Buffer) => answer.toString('latin1').split('\r\n\r\n')[1];
const request = 'GET / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n';

const versions = ['v1', 'v2'];
const checks = ['off', 'report', 'enforce'];

test.each(versions.flatMap((version) => checks.map((check) => [version, check])))(
  'nginx knows the real client, over IPv4 and IPv6, HTTP and TLS: PROXY_PROTOCOL=%s NAME_CHECK=%s',
  async (version, check) => {
    const { plain, tls, ca, logged } = await world({
      PROXY_PROTOCOL: version ?? '',
      NAME_CHECK: check ?? '',
    });
    for (const host of ['127.0.0.1', '::1']) {
      const client = await tcpClient(plain, { host });
      const expected = `${host}:${client.localPort} ${host}:${plain} 127.0.0.1`;
      client.write(request);
      expect(bodyOf(await readAll(client))).toBe(expected);
      await expect.poll(logged).toContain(`${expected} GET / HTTP/1.1`);

      const socket = await tcpClient(tls, { host });
      const overTls = `${host}:${socket.localPort} ${host}:${tls} 127.0.0.1`;
      const secured = connectTls({ socket, servername: 'api.test', ca });
      await once(secured, 'secureConnect');
      secured.write(request);
      const answer: Buffer[] = [];
      for await (const chunk of secured as AsyncIterable<Buffer>) answer.push(chunk);
      expect(bodyOf(Buffer.concat(answer))).toBe(overTls);
    }
  },
);

test.each([
  ['v1', /^127\.83\.80\.1:\d+ 127\.0\.0\.1:\d+ 127\.0\.0\.1 GET \/ HTTP\/1\.1$/],
  // LOCAL: nginx takes the connection for what it is, and knows of no other ends.
  ['v2', /^-:- -:- 127\.0\.0\.1 GET \/ HTTP\/1\.1$/],
])('nginx takes the probes of the healthcheck: PROXY_PROTOCOL=%s', async (version, line) => {
  const { environment, logged } = await world({ PROXY_PROTOCOL: version });
  expect(await runHealthcheck({ ...environment, HTTP_HEALTHCHECK: '1' })).toEqual({
    code: 0,
    output: 'healthy\n',
  });
  await expect.poll(logged).toEqual([expect.stringMatching(line)]);
});

/** Recorded, as test/fixtures/hellos/README.md tells; for api.test. */
const CHROMIUM = join(import.meta.dirname, '../fixtures/hellos/chromium-156.hex');

test('the header is in one segment with the hello that has been read', async () => {
  const { tls, environment } = await world({ PROXY_PROTOCOL: 'v2', NAME_CHECK: 'enforce' });
  const client = await tcpClient(tls);
  client.write(readFileSync(CHROMIUM, 'latin1').replaceAll('\n', ''), 'hex');
  await readSome(client);
  const target = environment.PORT.split(':').at(-1);
  const { stdout } = await run('ss', ['-tinH', 'state', 'established', `sport = :${target}`]);
  expect(stdout).toMatch(/\bdata_segs_in:1\b/);
});
