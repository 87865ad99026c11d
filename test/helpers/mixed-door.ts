import { a, scriptedServer, zone } from './dns.ts';
import { webServer } from './http-relay.ts';
import { startSallyport } from './program.ts';
import { closedPort, tcpServer, udpSocket } from './sockets.ts';

/** One door to a database, two web servers, a wildcard and a syslog, with a forward proxy; and where each listens and is. */
export async function openMixedDoor(environment: Readonly<Record<string, string>>) {
  const { port: db } = await tcpServer((socket) => socket.end('database'));
  const [api, www, wild] = await Promise.all(
    ['api', 'www', 'wild'].map((name) => webServer((_request, response) => response.end(name))),
  );
  const syslog = await udpSocket();
  syslog.on('message', (text, from) => syslog.send(`logged ${text.toString()}`, from.port, from.address));
  const names = ['db.test', 'api.test', 'www.test', 'a.wild.test', 'logs.test'];
  const nameserver = await scriptedServer(zone(names.map((name) => a(name, '127.0.0.1'))));
  const listen = {
    db: await closedPort(),
    web: await closedPort(),
    syslog: await closedPort(),
    proxy: await closedPort(),
  };
  const full = {
    MODE: 'tcp http-proxy',
    TARGET: [
      `db.test:${listen.db}:${db}`,
      `api.test:${listen.web}:${api}`,
      `www.test:${listen.web}:${www}`,
      `*.wild.test:${listen.web}:${wild}`,
      `logs.test:${listen.syslog}:${syslog.address().port}/udp`,
    ].join(' '),
    LISTEN: `${listen.proxy}`,
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    TARGET_SCOPE: 'any',
    ...environment,
  };
  const relay = startSallyport(full);
  const line = await relay.line('listening');
  return {
    relay,
    line,
    listen,
    targets: { db, api, www, wild, syslog: syslog.address().port },
    environment: full,
  };
}
