import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';

import SMTPConnection from 'nodemailer/lib/smtp-connection';

import { maskCommand } from '../src/config/mask.ts';
import { hostOf } from '../src/config/probes.ts';
import { PROBE_SOURCE } from '../src/control/protocol.ts';
import { abortable } from '../src/lib/abortable.ts';
import { describeFailure } from '../src/lib/deadline.ts';
import type { PlacedProbe } from './probers.ts';

/**
 * Greets the SMTP server through the relay and sends one command as it is. Any reply is an answer, as servers differ in the
 * commands they know; only 421 (RFC 5321 §3.8) closes the session instead. Rejects when none comes within the probe's timeout.
 */
export async function probeSmtp({
  url,
  address,
  port,
  timeout,
  command,
}: PlacedProbe<'SMTP'>): Promise<void> {
  const host = hostOf(url);
  const connection = new SMTPConnection({
    host: address,
    port,
    localAddress: PROBE_SOURCE,
    secure: url.protocol === 'smtps:',
    ignoreTLS: true,
    tls: {
      // SNI names hosts only (RFC 6066 §3); an address is verified all the same.
      servername: isIP(host) === 0 ? host : '',
      checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
    },
    name: 'sallyport.invalid',
    customAuth: {
      // The one public way to send a command of our own choice; nothing is authenticated.
      PROBE: async (session) => {
        await session.sendCommand(command);
      },
    },
  });
  const answered = Promise.withResolvers<void>();
  connection.on('error', answered.reject);
  connection.on('end', () => answered.reject(new Error('the server closed the connection')));
  connection.connect(() => {
    connection.login({ method: 'PROBE' }, (err) => (err ? answered.reject(err) : answered.resolve()));
  });
  try {
    await abortable(answered.promise, AbortSignal.timeout(timeout));
  } catch (cause) {
    throw new Error(
      `no answer to ${maskCommand(command)} from ${url.protocol}//${url.host}: ${describeFailure(cause, timeout)}`,
      { cause },
    );
  } finally {
    connection.close();
  }
}
