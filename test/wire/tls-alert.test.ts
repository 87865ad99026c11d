import { connect } from 'node:tls';

import { expect, onTestFinished, test } from 'vitest';

import { tlsAlert } from '../../src/wire/tls-alert.ts';
import { tcpServer } from '../helpers/sockets.ts';

test.each([
  ['access_denied', '15030300020231', 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED'],
  ['decode_error', '15030300020232', 'ERR_SSL_TLSV1_ALERT_DECODE_ERROR'],
  ['unrecognized_name', '15030300020270', 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME'],
] as const)('tlsAlert() makes an %s that a client understands', async (description, hex, code) => {
  expect(tlsAlert(description).toString('hex')).toBe(hex);
  const { port } = await tcpServer((socket) => void socket.end(tlsAlert(description)));
  const failure = await new Promise((resolve) => {
    const client = connect({ port, host: '127.0.0.1' }).on('error', resolve);
    onTestFinished(() => void client.destroy());
  });
  expect(failure).toMatchObject({ code });
});
