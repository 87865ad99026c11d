import type { ProxyProtocol } from '../../lib/proxy-protocol.ts';
import { proxyHeader } from '../../wire/proxy-header.ts';
import type { TcpSocket } from './tcp-socket.ts';

interface Options {
  readonly proxyProtocol: ProxyProtocol;
  /** Whether the connection is the relay's own. */
  readonly isOwn: boolean;
}

/**
 * Tells a target whose connection it is, where it is to know: right after the dial, so that no way of serving can forget it. Nobody counts the header as sent.
 * Throws when the target is gone already, which is reset then.
 */
export function introduce(client: TcpSocket, target: TcpSocket, { proxyProtocol, isOwn }: Options): void {
  if (proxyProtocol === 'off') return;
  const header = proxyHeader(proxyProtocol, {
    source: end(client.remoteAddress, client.remotePort),
    destination: end(client.localAddress, client.localPort),
    isOwn,
  });
  // What is there to be sent already, as a hello that has been read, goes out in the same segment.
  target.cork();
  setImmediate(() => target.uncork());
  target.write(header, 0, header.length);
  if (target.isOpen && !target.hasLost) return;
  target.reset();
  throw new Error('it does not take the PROXY header');
}

/** Null for a socket that is gone. */
function end(address: string | undefined, port: number | undefined) {
  return address === undefined || port === undefined ? null : { address, port };
}
