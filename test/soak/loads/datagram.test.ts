import { expect, test } from 'vitest';

import { decodeDatagram, encodeDatagram } from '../../../soak/loads/datagram.ts';

const DATAGRAM = {
  client: 5,
  sequence: 77,
  isAnswer: true,
  target: 2,
  content: { start: 1_048_580, length: 1_000 },
};

test('decodeDatagram() reads what encodeDatagram() has written', () => {
  expect(decodeDatagram(encodeDatagram(DATAGRAM))).toEqual(DATAGRAM);
});

test('decodeDatagram() notices what is cut, longer, changed or nobody’s', () => {
  const bytes = encodeDatagram(DATAGRAM);
  expect(() => decodeDatagram(bytes.subarray(0, -1))).toThrow('a datagram was cut to 999 bytes of 1000');
  expect(() => decodeDatagram(Buffer.concat([bytes, Buffer.of(1)]))).toThrow('1 bytes more than');
  expect(() => decodeDatagram(Buffer.alloc(40))).toThrow('that nobody sent');
  const changed = Buffer.from(bytes);
  changed[100] = (changed[100] ?? 0) ^ 1;
  expect(() => decodeDatagram(changed)).toThrow('byte 72 of 1000');
});
