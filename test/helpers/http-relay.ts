import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { onTestFinished } from 'vitest';

import { chooseByName, chooseByNameAndPort, chooseConnected } from '../../src/relay/names/choose.ts';
import { createNameCheck } from '../../src/relay/serve/enforce-names.ts';
import { proxyHttp } from '../../src/relay/serve/http-proxy.ts';
import type { Target } from '../../src/relay/target.ts';
import type { TcpSocket } from '../../src/relay/tcp/tcp-socket.ts';
import { countReads, localTarget, servingRelay } from './relay.ts';
import { readAll, tcpClient, tcpServer } from './sockets.ts';

const NAMES: readonly string[] = ['api.test', 'www.test'];

interface ProxyOptions extends NonNullable<Parameters<typeof servingRelay>[1]> {
  /** Whether names are checked in tunnels, too. */
  readonly isChecked?: boolean;
  /** What is different in the targets. */
  readonly target?: Partial<Target>;
}

/** A web server on loopback; ended with the test. */
export async function webServer(serve: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 0 }, serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that reads one head and then does as it is told; `heads` are those that it has read. */
export async function scriptedServer(answer: (socket: Socket, head: string) => void) {
  const heads: string[] = [];
  const { port } = await tcpServer((socket) => {
    let seen = '';
    const onData = (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      const end = seen.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData);
      heads.push(seen.slice(0, end + 4));
      socket.unshift(seen.slice(end + 4), 'latin1');
      answer(socket, seen.slice(0, end));
    };
    socket.on('data', onData);
  });
  return { port, heads };
}

/** A proxy to api.test and www.test, both on loopback, on these ports; how many bytes it has read of each client, and whether it lacks room to write to one. */
export async function proxyTo(
  ports: readonly number[],
  { isChecked = false, target, ...options }: ProxyOptions = {},
) {
  const reads: (() => number)[] = [];
  const listed = (name: string) => NAMES.find((known) => known === name.toLowerCase());
  const clients: TcpSocket[] = [];
  const choose = chooseByNameAndPort(
    (name, port) => {
      const host = listed(name);
      return host === undefined || !ports.includes(port) ? null : { ...localTarget(port), ...target, host };
    },
    (name) => listed(name) !== undefined,
  );
  const check = createNameCheck();
  const serve = proxyHttp({
    choose,
    tunnel: (connection, upstream) =>
      isChecked
        ? check(connection, { choose: chooseConnected(upstream.target, choose), refuseEch: false }, upstream)
        : connection.spliceWith(upstream),
  });
  const relay = await servingRelay((connection) => {
    reads.push(countReads(connection));
    clients.push(connection.client);
    return serve(connection);
  }, options);
  return Object.assign(relay, {
    bytesRead: (client: number) => reads.at(client)?.() ?? 0,
    isFull: (client: number) => clients.at(client)?.isFull ?? false,
  });
}

/** Finds the target that one of these names is, on this port, in whichever case it is asked for. */
export function findAmong(names: readonly string[], port: number) {
  return (name: string) => {
    const host = names.find((known) => known === name.toLowerCase());
    return host === undefined ? null : { ...localTarget(port), host };
  };
}

/** A relay that checks names: api.test and www.test are on this port. */
export async function checkTo(port: number, options: Parameters<typeof servingRelay>[1] = {}) {
  const check = createNameCheck();
  const choose = chooseByName(findAmong(NAMES, port));
  return servingRelay((connection) => check(connection, { choose, refuseEch: false }), options);
}

/** What comes back for these bytes, to the end of the connection. */
export async function say(port: number, text: string): Promise<string> {
  const client = await tcpClient(port);
  client.write(text, 'latin1');
  const all = await readAll(client);
  client.end();
  return all.toString('latin1');
}
