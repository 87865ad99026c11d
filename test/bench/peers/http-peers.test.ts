import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { haproxy } from '../../../bench/peers/haproxy.ts';
import { nginx } from '../../../bench/peers/nginx.ts';
import { startPeer } from '../../../bench/peers/start.ts';
import { openLoopback } from '../../../bench/world/loopback.ts';

const NAME = 'target.example';
const PEERS = [haproxy('http'), nginx('http')];

/** A server that answers with the Host that it was asked for. */
async function serveHosts(): Promise<number> {
  const server = createServer((asked, answer) => answer.end(asked.headers.host));
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function ask(at: { readonly address: string; readonly port: number }, host: string) {
  const asked = request({ host: at.address, port: at.port, agent: false, headers: { host } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const body = Buffer.concat(await answer.toArray()).toString();
  return { status: answer.statusCode, body };
}

test.for(PEERS)('$name passes on what names the server, and refuses other hosts', async (peer, { skip }) => {
  skip(peer.version === null, `it needs the packages ${peer.packages.join(' ')}`);
  const stack = new DisposableStack();
  onTestFinished(() => stack.dispose());
  const service = {
    port: await serveHosts(),
    protocols: ['http'],
    connections: 10,
    name: { name: NAME, nameserver: '127.0.0.1:53' },
  } as const;
  const started = await startPeer(peer, service, { world: openLoopback('in a test'), stack });
  onTestFinished(() => started.stop());
  expect(await ask(started, NAME)).toEqual({ status: 200, body: NAME });
  expect(await ask(started, 'other.example')).toMatchObject({ status: 403 });
});
