/** A program, in a network of its own: streams, calls every 50 ms, checks every byte, and tells what it has seen. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';

import { type Calls, type ClientBehaviour, type Seen, type ToClient, type Way } from '../protocol.ts';

/** Between two calls, in ms. */
const INTERVAL = 50;
/** What may be on its way of a stream, in bytes. */
const WINDOW = 16 * 1024;
/** No divisor of what is read or written at a time, so that bytes in the wrong place are seen. */
const PATTERN = Buffer.from(Array.from({ length: 65_521 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff));

const noCalls = (): Calls => ({ done: 0, wrong: 0, short: 0, failed: {} });
const nothing = (): Seen => ({
  stream: { echoed: 0, wrong: 0, endings: [] },
  datagrams: { sent: 0, answered: 0, wrong: 0 },
  calls: noCalls(),
  udpCalls: noCalls(),
  webCalls: noCalls(),
  pending: 0,
  servers: {},
});

let seen = nothing();
let behaviour: ClientBehaviour = 'talking';
let way: Way | null = null;
let stream: Socket | null = null;
let datagrams: UdpSocket | null = null;
const timers: NodeJS.Timeout[] = [];
const calling = new Set<Socket | UdpSocket>();

function patternAt(offset: number, length: number): Buffer {
  const from = offset % PATTERN.length;
  const bytes = PATTERN.subarray(from, from + length);
  return bytes.length === length ? bytes : Buffer.concat([bytes, patternAt(0, length - bytes.length)]);
}

function openStream({ address, port }: Way): void {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  const { stream: its } = seen;
  stream = socket;
  let sent = 0;
  let echoed = 0;
  const talk = () => {
    if (behaviour === 'mute' || behaviour === 'one byte a second' || socket.writableEnded) return;
    while (sent - echoed < WINDOW) {
      const bytes = patternAt(sent, 1_000);
      sent += bytes.length;
      if (!socket.write(bytes)) break;
    }
  };
  const talking = setInterval(talk, 20);
  const slowly = setInterval(() => {
    if (behaviour === 'one byte a second') socket.write(patternAt(sent++, 1));
  }, 1_000);
  socket.on('data', (bytes: Buffer) => {
    if (!bytes.equals(patternAt(echoed, bytes.length))) its.wrong++;
    echoed += bytes.length;
    its.echoed += bytes.length;
  });
  socket.on('end', () => {
    its.endings.push(echoed === sent && socket.writableEnded ? 'complete' : 'FIN');
    socket.end();
  });
  socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => its.endings.push(code));
  socket.on('close', () => {
    clearInterval(talking);
    clearInterval(slowly);
    if (stream === socket && way !== null) setTimeout(() => way !== null && openStream(way), INTERVAL);
  });
}

/** Sends a few bytes and a FIN, and expects the same of the door. */
function call({ address, port }: Way, calls: Calls): void {
  const socket = connect({ host: address, port, allowHalfOpen: true });
  calling.add(socket);
  const bytes = patternAt(Math.trunc(Math.random() * PATTERN.length), 100);
  let answer = Buffer.alloc(0);
  let failure: string | null = null;
  socket.on('data', (more: Buffer) => (answer = Buffer.concat([answer, more])));
  socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => (failure = code));
  socket.on('close', () => {
    if (!calling.delete(socket)) return;
    if (!bytes.subarray(0, answer.length).equals(answer)) calls.wrong++;
    else if (failure !== null) calls.failed[failure] = (calls.failed[failure] ?? 0) + 1;
    else if (answer.length < bytes.length) calls.short++;
    else calls.done++;
  });
  socket.end(bytes);
}

function callByHttp({ address, webPort, name }: Way, { webCalls: calls, servers }: Seen): void {
  const path = `/${Math.random()}`;
  let socket: Socket | null = null;
  const request = get({ host: address, port: webPort, path, headers: { Host: name }, agent: false });
  const ended = (failure: string | null, answer = '') => {
    if (socket !== null && !calling.delete(socket)) return;
    const [echoed, server = ''] = answer.split(' ');
    if (failure !== null) calls.failed[failure] = (calls.failed[failure] ?? 0) + 1;
    else if (echoed === path) {
      calls.done++;
      servers[server] = (servers[server] ?? 0) + 1;
    } else calls.wrong++;
  };
  request.on('socket', (its) => calling.add((socket = its)));
  request.on('error', ({ code = '' }: NodeJS.ErrnoException) => ended(code));
  request.on('response', (response) => {
    let answer = '';
    response.setEncoding('utf8').on('data', (text: string) => (answer += text));
    response.on('error', () => ended('cut'));
    response.on('end', () => ended(response.statusCode === 200 ? null : `${response.statusCode}`, answer));
  });
}

function callByUdp({ address, port }: Way, calls: Calls): void {
  const socket = createSocket('udp4');
  calling.add(socket);
  const bytes = patternAt(Math.trunc(Math.random() * PATTERN.length), 100);
  socket.on('message', (answer) => {
    if (answer.equals(bytes)) calls.done++;
    else calls.wrong++;
    calling.delete(socket);
    socket.close();
  });
  socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
    calls.failed[code] = (calls.failed[code] ?? 0) + 1;
  });
  // Connected: what goes to others at this host, once its port is ours, is not taken for an answer.
  socket.on('connect', () => socket.send(bytes)).connect(port, address);
}

/** One socket's datagrams, each with its number and the bytes that go with it. */
function openDatagrams({ address, port }: Way): UdpSocket {
  const socket = createSocket('udp4');
  const { datagrams: its } = seen;
  socket.on('message', (answer) => {
    const number = answer.readUInt32BE(0);
    if (answer.subarray(4).equals(patternAt(number, answer.length - 4)) && number < its.sent) its.answered++;
    else its.wrong++;
  });
  socket.on('error', () => {});
  const talk = () => {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(its.sent);
    socket.send(Buffer.concat([number, patternAt(its.sent++, 200)]), () => {});
  };
  socket.on('connect', () => timers.push(setInterval(talk, INTERVAL))).connect(port, address);
  return socket;
}

function start(to: Way): void {
  way = to;
  openStream(to);
  datagrams = openDatagrams(to);
  timers.push(
    setInterval(() => {
      call(to, seen.calls);
      callByUdp(to, seen.udpCalls);
      callByHttp(to, seen);
    }, INTERVAL),
  );
}

function stop(): void {
  way = null;
  for (const timer of timers.splice(0)) clearInterval(timer);
  datagrams?.close();
  datagrams = null;
  for (const socket of calling) {
    calling.delete(socket);
    if ('destroy' in socket) socket.destroy();
    else socket.close();
  }
  stream?.destroy();
  stream = null;
}

function behave(as: ClientBehaviour): void {
  behaviour = as;
  if (as === 'not reading') stream?.pause();
  else stream?.resume();
  if (as === 'half-closing') stream?.end();
  if (as === 'reset live') {
    stream?.resetAndDestroy();
    for (const socket of calling) {
      if (!('resetAndDestroy' in socket)) continue;
      calling.delete(socket);
      socket.resetAndDestroy();
    }
    behaviour = 'talking';
  }
}

process.on('message', (told: ToClient | 'tell') => {
  if (told === 'tell') process.send?.({ ...seen, pending: calling.size });
  else if ('call' in told) {
    if (way === null) seen = nothing();
    stop();
    start(told.call);
  } else if ('behave' in told) behave(told.behave);
  else stop();
});
process.send?.('serves');
