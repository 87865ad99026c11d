import { proxyHeader } from '../../wire/proxy-header.ts';
import { bareOf, streamOf, type TcpSocket } from './tcp-socket.ts';

interface Options {
  readonly proxyProtocol: 'off' | 'v1' | 'v2';
  /** Whether the connection is the relay's own. */
  readonly isOwn: boolean;
}

/**
 * Tells a target whose connection it is, where it is to know. Returns by how many bytes the target's stream counts too much. Throws when the
 * target does not take it, which is reset then.
 */
export function introduce(client: TcpSocket, target: TcpSocket, { proxyProtocol, isOwn }: Options): number {
  if (proxyProtocol === 'off') return 0;
  const header = proxyHeader(proxyProtocol, {
    source: end(client.remoteAddress, client.remotePort),
    destination: end(client.localAddress, client.localPort),
    isOwn,
  });
  // What is there to be sent already, as a hello that has been read, goes out in the same segment.
  target.cork();
  setImmediate(() => target.uncork());
  const bare = bareOf(target);
  if (bare === null) {
    streamOf(target).write(header);
    return header.length;
  }
  if (bare.write(header) !== header.length) {
    bare.reset();
    throw new Error('it does not take the PROXY header');
  }
  return 0;
}

/** Null for a socket that is gone. */
function end(address: string | undefined, port: number | undefined) {
  return address === undefined || port === undefined ? null : { address, port };
}
