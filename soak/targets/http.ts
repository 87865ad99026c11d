import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { Checker } from '../content.ts';
import { FIELDS, fromField } from '../loads/http-plan.ts';
import { send } from '../loads/send.ts';
import { Gate } from './gate.ts';
import { Listener } from './listener.ts';
import type { Serving } from './serve-exchange.ts';
import { type Target, targetOf } from './target.ts';

interface Options {
  readonly numbers: ReadonlyMap<string, number>;
  readonly port: number;
  readonly wrong: Serving['wrong'];
}

/** A web server that checks each request's content and answers by the request's plan. */
export function httpTarget({ numbers, port, wrong }: Options): Target {
  const [mute, reading] = [new Gate(), new Gate()];
  const server = createServer((request, response) => {
    const number = numbers.get(request.socket.localAddress ?? '') ?? 0;
    void serve(request, response, { number, mute, reading, wrong });
  });
  // The clients of doors keep connections, and ask again when they like.
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  const listener = new Listener({
    addresses: [...numbers.keys()],
    port,
    serve: (socket) => void server.emit('connection', socket),
  });
  return targetOf(listener, { mute, reading });
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { number, mute, reading, wrong }: Omit<Serving, 'isRaw' | 'receipts'>,
): Promise<void> {
  const fail = (message: string) => {
    wrong(message);
    request.destroy();
  };
  request.on('error', () => {});
  response.on('error', () => {});
  const plan = fromField(request.headers[FIELDS.plan]);
  if (plan === null) return fail(`a request without a plan: ${request.method} ${request.url}`);
  const checker = new Checker(plan.up);
  request.on('data', (bytes: Buffer) => {
    const fault = checker.take(bytes);
    if (fault !== null) return fail(`the request: ${fault}`);
    if (!mute.isShut && !reading.isShut) return;
    request.pause();
    void Promise.all([mute.passed(), reading.passed()]).then(() => request.resume());
  });
  // Node ends a request whose content was cut off by an error, so this end is its own.
  request.on('end', () => {
    if (!checker.isComplete)
      fail(`the request ended as if complete after ${checker.received} bytes of ${plan.up.length}`);
    else void answer();
  });

  const answer = async () => {
    await mute.passed();
    const framing = request.headers[FIELDS.framing];
    response.setHeader(FIELDS.target, number);
    if (framing === 'length') response.setHeader('Content-Length', plan.down.length);
    if (framing === 'end') {
      response.useChunkedEncodingByDefault = false;
      response.setHeader('Connection', 'close');
    }
    await send(response as never, plan.down, { gate: mute });
    response.end();
  };
}
