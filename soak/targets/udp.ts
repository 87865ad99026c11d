import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { decodeDatagram, encodeDatagram } from '../loads/datagram.ts';
import { messageOf } from '../message-of.ts';
import type { Serving } from './serve-exchange.ts';
import type { Target } from './target.ts';

interface Options {
  readonly address: string;
  readonly port: number;
  readonly number: number;
  readonly wrong: Serving['wrong'];
}

/** Answers each datagram with one of as many other bytes. */
export function udpTarget({ address, port, number, wrong }: Options): Target {
  let socket: Socket | null = null;
  let isMute = false;
  const answer = (bytes: Buffer, from: { readonly port: number; readonly address: string }) => {
    if (isMute) return;
    try {
      const { content, isAnswer, ...rest } = decodeDatagram(bytes);
      if (isAnswer) throw new Error('an answer came to a target');
      const other = { ...content, start: content.start + 1 };
      const reply = encodeDatagram({ ...rest, isAnswer: true, target: number, content: other });
      socket?.send(reply, from.port, from.address, () => {});
    } catch (cause) {
      wrong(messageOf(cause));
    }
  };
  const close = () => {
    socket?.close();
    socket = null;
  };
  return {
    start: async () => {
      if (socket !== null) return;
      const opened = createSocket({ type: 'udp4', recvBufferSize: 2 ** 22 });
      opened.on('message', answer).on('error', () => {});
      opened.bind(port, address);
      await once(opened, 'listening');
      socket = opened;
    },
    refuse: async () => close(),
    abort: close,
    beMute: (muted) => (isMute = muted),
    stopReading: (stopped) => (isMute = stopped),
  };
}
