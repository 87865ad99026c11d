import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';

import { httpServer } from './http-server.ts';

/** What a server adds to the client's key to show that it speaks this protocol (RFC 6455 §1.3). */
const SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FIN = 0x80;
const MASKED = 0x80;
const [TEXT, CLOSE] = [1, 8];
/** Lengths from which on a frame has two and eight bytes more to hold them. */
const [MEDIUM, LONG] = [126, 65_536];
const MASK_LENGTH = 4;

/** A WebSocket server (RFC 6455) on loopback that greets each client and echoes its messages; ended with the test. */
export function startWebSocketServer(greeting: string): Promise<number> {
  return httpServer((server) =>
    server.on('upgrade', ({ headers }, socket) => {
      const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${SUFFIX}`).digest('base64');
      const head = [
        'HTTP/1.1 101 Switching Protocols',
        'Connection: Upgrade',
        'Upgrade: websocket',
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      ].join('\r\n');
      // In one write, so that the greeting comes with the head.
      socket.write(Buffer.concat([Buffer.from(head), toFrame(TEXT, Buffer.from(greeting))]));
      echo(socket);
    }),
  );
}

function echo(socket: Duplex): void {
  let unread = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    for (let frame = parseFrame(unread); frame !== null; frame = parseFrame(unread)) {
      unread = unread.subarray(frame.length);
      socket.write(toFrame(frame.opcode, frame.payload));
      if (frame.opcode === CLOSE) socket.end();
    }
  });
}

/** A frame of a server, which is not masked (RFC 6455 §5.2). */
function toFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < MEDIUM ? 2 : length < LONG ? 4 : 10);
  head.writeUInt8(FIN | opcode, 0);
  head.writeUInt8(length < MEDIUM ? length : length < LONG ? MEDIUM : MEDIUM + 1, 1);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A frame of a client, which is masked; null when not all of it has come. `length` is with its head. */
function parseFrame(bytes: Buffer) {
  if (bytes.length < 2) return null;
  const size = bytes.readUInt8(1) - MASKED;
  const mask = size < MEDIUM ? 2 : size === MEDIUM ? 4 : 10;
  if (bytes.length < mask + MASK_LENGTH) return null;
  const count = mask === 2 ? size : mask === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const start = mask + MASK_LENGTH;
  const length = start + count;
  if (bytes.length < length) return null;
  const masked = bytes.subarray(start, length);
  const payload = Buffer.from(masked.map((byte, i) => byte ^ bytes.readUInt8(mask + (i % MASK_LENGTH))));
  return { opcode: bytes.readUInt8(0) & 0xf, payload, length };
}
