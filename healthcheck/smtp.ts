import { checkServerIdentity } from 'node:tls';

import SMTPConnection from 'nodemailer/lib/smtp-connection';

import type { Probe } from '../src/config/probes.ts';
import { PROBE_SOURCE } from '../src/control/protocol.ts';
import { describe } from './describe.ts';

/** "Service not available, closing transmission channel" (RFC 5321 §3.8): the one reply that says the server is not well. */
const CLOSING = 421;

/**
 * Greets the SMTP server through the relay and sends one command as it is. Any reply but 421 is an answer, as servers differ in the
 * commands they know. Rejects when none comes within the probe's timeout.
 */
export async function probeSmtp({
  url,
  port,
  timeout,
  command,
}: Probe & { readonly command: string }): Promise<void> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const connection = new SMTPConnection({
    host: '127.0.0.1',
    port,
    localAddress: PROBE_SOURCE,
    secure: url.protocol === 'smtps:',
    ignoreTLS: true,
    tls: {
      servername: host,
      checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
    },
    name: 'sallyport.invalid',
    customAuth: {
      // The one public way to send a command of our own choice; nothing is authenticated.
      PROBE: async (session) => {
        const { status, response } = await session.sendCommand(command);
        if (status === CLOSING) throw new Error(`the server said ${response.trim()}`);
      },
    },
  });
  const late = AbortSignal.timeout(timeout);
  try {
    await new Promise<void>((resolve, reject) => {
      late.addEventListener('abort', () => reject(late.reason));
      connection.on('error', reject);
      connection.on('end', () => reject(new Error('the server closed the connection')));
      connection.connect(() =>
        connection.login({ method: 'PROBE' }, (err) => (err ? reject(err) : resolve())),
      );
    });
  } catch (cause) {
    throw new Error(
      `no answer to ${command} from ${url.protocol}//${url.host}: ${describe(cause, timeout)}`,
      { cause },
    );
  } finally {
    connection.close();
  }
}
