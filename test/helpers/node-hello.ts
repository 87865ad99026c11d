import { Duplex } from 'node:stream';
import { createServer } from 'node:tls';

/** The name in a ClientHello as Node's TLS, which is OpenSSL, reads it, without a network; null where it reads none, or refuses the hello. */
export function nodeHello(bytes: Buffer): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  asked = resolve;
  const socket = new Duplex({
    read() {},
    // An alert, or the answer: by then a name would have been told.
    write(_chunk, _encoding, done) {
      done();
      resolve(null);
    },
  });
  socket.on('error', () => {}).once('close', () => resolve(null));
  server.emit('connection', socket);
  socket.push(bytes);
  socket.push(null);
  return promise.finally(() => socket.destroy());
}

/** Told the name of the hello that is being read: one at a time. */
let asked: (name: string | null) => void = () => {};
/** It needs no certificate, as it is never answered. */
const server = createServer({ SNICallback: (name) => asked(name) });
server.on('tlsClientError', () => asked(null));
