import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { Duplex } from 'node:stream';

/** An answer as Node's client reads it. */
export interface ReadAnswer {
  readonly status: number;
  /** Where it ends: Infinity at the end of the connection. */
  readonly end: number;
}

/** The first final answer that Node's own client finds in these bytes, without a network; null where it finds none, or refuses it. */
export async function nodeAnswer(
  bytes: Buffer,
  { method, isLax }: { readonly method: string; readonly isLax: boolean },
): Promise<ReadAnswer | null> {
  const socket = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      done();
    },
  });
  const asked = httpRequest({
    method,
    insecureHTTPParser: isLax,
    maxHeaderSize: 1024 * 1024,
    createConnection: () => socket,
  });
  const answers: IncomingMessage[] = [];
  let isRefused = false;
  let isSwitched = false;
  const see = (message: IncomingMessage) => {
    answers.push(message);
    message.on('error', () => {});
    message.push = () => true;
  };
  const onSwitch = (message: IncomingMessage) => {
    answers.push(message);
    isSwitched = true;
  };
  asked.on('response', see).on('upgrade', onSwitch).on('connect', onSwitch);
  asked.on('error', () => (isRefused = true));
  asked.end();
  await once(asked, 'socket');

  const isOver = () => isRefused || isSwitched || answers[0]?.complete === true;
  let at = 0;
  while (at < bytes.length && !isOver()) socket.emit('data', bytes.subarray(at, ++at));
  const isEndedByItself = isOver();
  if (!isEndedByItself) socket.emit('end');
  socket.destroy();
  asked.destroy();
  const [answer] = answers;
  if (isRefused || answer === undefined || !(answer.complete || isSwitched)) return null;
  const { statusCode: status = 0 } = answer;
  return { status, end: isEndedByItself ? at : Infinity };
}
