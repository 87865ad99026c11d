import { createServer, IncomingMessage, type Server } from 'node:http';
import { Duplex } from 'node:stream';

import type { Reading } from './http-compare.ts';

/** Keeps its content as it comes. */
class Request extends IncomingMessage {
  readonly pieces: Buffer[] = [];

  override push(piece: Buffer | null): boolean {
    if (piece !== null) this.pieces.push(piece);
    return true;
  }
}

/** Node's own server as a parser, without a network: what it makes of bytes that come in these pieces, and of the end behind them. */
export function nodeParser({ isLax }: { readonly isLax: boolean }): (pieces: readonly string[]) => Reading {
  let requests: Request[] = [];
  let isRefused = false;
  const see = (request: IncomingMessage) => requests.push(request as Request);
  const options = {
    IncomingMessage: Request,
    insecureHTTPParser: isLax,
    requireHostHeader: !isLax,
    maxHeaderSize: 1024 * 1024,
    // No client is switched to another protocol, and none is looked at for its slowness.
    shouldUpgradeCallback: () => false,
    connectionsCheckingInterval: 2 ** 31 - 1,
  };
  const server: Server = createServer(options as object, see);
  server.on('connect', see);
  server.on('clientError', () => (isRefused = true));

  return (pieces) => {
    requests = [];
    isRefused = false;
    const socket = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        done();
      },
    });
    server.emit('connection', socket);
    for (const piece of pieces) socket.emit('data', Buffer.from(piece, 'latin1'));
    socket.emit('end');
    socket.emit('close');
    // From a request with Upgrade on, Node tells nobody what it cannot read.
    isRefused ||= requests.some(({ rawHeaders }) => valuesOf('upgrade', rawHeaders).length > 0);
    const read = requests.map(({ method = '', url: target = '', rawHeaders, pieces: content, complete }) => ({
      method,
      target,
      hosts: valuesOf('host', rawHeaders),
      content: Buffer.concat(content).toString('latin1'),
      isWhole: complete,
    }));
    return { requests: read, isRefused };
  };
}

/** The values of all fields of a name. */
function valuesOf(name: string, rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}
