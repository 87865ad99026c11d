/** A program, in a network of its own: does to the door what it is told, again and again, until it ends. */
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';

import * as dnsPacket from 'dns-packet';

import { clientHello, extension } from '../../helpers/client-hello.ts';
import { HTTP_PORT, PORT } from '../protocol.ts';

const [attack = '', address = '', own = ''] = process.argv.slice(2);
const ECHO = PORT + 1;
/** How many connections an attack keeps open. */
const AT_A_TIME = 200;

let count = 0;

/** Keeps so many connections open, each with what is done to it; another follows each that ends. */
function crowd(port: number, use: (socket: Socket) => void, size = AT_A_TIME): void {
  const open = () => {
    count++;
    const socket = connect({ host: address, port, localAddress: own, allowHalfOpen: true });
    socket.on('error', () => {}).on('close', () => setImmediate(open));
    socket.once('connect', () => use(socket));
  };
  for (let i = 0; i < size; i++) open();
}

/** Writes the same without end, as fast as it is taken. */
function pour(socket: Socket, bytes: Buffer): void {
  while (socket.writable && socket.write(bytes));
  socket.once('drain', () => pour(socket, bytes));
}

const hello = clientHello({ names: ['bad.test'], extensions: [extension(21, Buffer.alloc(60_000))] });
const get = (fields: string) => Buffer.from(`GET / HTTP/1.1\r\nHost: bad.test\r\n${fields}\r\n`);

const attacks: Readonly<Record<string, () => void>> = {
  'opens connections and says nothing': () => crowd(HTTP_PORT, () => {}, 2_000),
  'begins hellos without end': () =>
    crowd(HTTP_PORT, (socket) => socket.resume().write(hello.subarray(0, -1))),
  'begins heads without end': () =>
    crowd(HTTP_PORT, (socket) => socket.resume().write(get(`X: ${'x'.repeat(60_000)}`).subarray(0, -2))),
  'takes all slots and sends others to wait': () => crowd(ECHO, (socket) => socket.write('x'), 2_000),
  'pipelines requests and reads no answer': () =>
    crowd(HTTP_PORT, (socket) =>
      pour(socket.pause(), Buffer.concat(Array.from({ length: 100 }, () => get('')))),
    ),
  'sends heads of sixty thousand fields': () =>
    crowd(HTTP_PORT, (socket) => pour(socket.resume(), get('A: b\r\n'.repeat(60_000)))),
  'sends chunks of one byte': () =>
    crowd(
      HTTP_PORT,
      (socket) => {
        socket.resume().write(get('Transfer-Encoding: chunked\r\n'));
        pour(socket, Buffer.from('1\r\nx\r\n'.repeat(1_000)));
      },
      20,
    ),
  'is reset while its target has more to say': () =>
    crowd(ECHO, (socket) => {
      socket.pause().write(Buffer.alloc(200_000));
      setTimeout(() => socket.resetAndDestroy(), 100);
    }),
  'is refused again and again, under names of its own': () =>
    crowd(HTTP_PORT, (socket) => socket.resume().end(`GET / HTTP/1.1\r\nHost: n${count}.test\r\n\r\n`), 50),
  'sends datagrams from one socket after the other': () => {
    setInterval(() => {
      for (let i = 0; i < 20; i++) {
        const socket = createSocket('udp4').bind(0, own);
        socket.send('x', ECHO, address, () => socket.close());
      }
      count += 20;
    }, 5);
  },
  'floods the DNS of the door': () => {
    const socket = createSocket('udp4').bind(0, own);
    setInterval(() => {
      for (let i = 0; i < 200; i++) {
        const question = { type: 'A', name: `n${count++}.test` } as const;
        const query = dnsPacket.encode({ type: 'query', id: count & 0xffff, questions: [question] });
        socket.send(count % 3 === 0 ? query.subarray(0, count % query.length) : query, 53, address);
      }
    }, 5);
  },
  'opens connections to the DNS of the door, and says half a question': () =>
    crowd(53, (socket) => socket.resume().write(Buffer.of(1, 0, 7))),
};

const start = attacks[attack];
if (start === undefined) throw new Error(`there is no attack '${attack}'`);
start();
const telling = setInterval(() => {
  if (count < 50) return;
  console.log('is under way');
  clearInterval(telling);
}, 50);
