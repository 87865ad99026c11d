import type { Config } from '../../config/config.ts';
import { type ListenerKind, namesOf, protocolOf } from '../../config/listeners.ts';
import type { NameCheck } from '../../config/name-check.ts';
import { DNS_PORT } from '../../config/read-listeners.ts';
import { EVERYBODY } from '../../config/targets.ts';
import { askedServers } from '../../dns/asked-servers.ts';
import { describeNameNetworks } from '../../lib/address-range.ts';
import { LEARNING } from '../../lib/learning.ts';
import { listSome } from '../../lib/list-some.ts';
import type { Protocol } from '../../lib/protocol.ts';
import { endpoint } from '../../relay/endpoint.ts';

/** What the relay would do, beside where it leads: a sentence a line. */
export function describeBehaviour(config: Config): readonly string[] {
  return [
    describeResolving(config),
    ...describeNames(config),
    ...describeDns(config),
    ...describeClients(config),
    ...describeLimits(config),
    ...(config.blackout ? ['it begins with a blackout: nobody is let in until that is ended'] : []),
    ...(config.admin === null
      ? []
      : [`metrics and health are told on ${endpoint(config.admin.host, config.admin.port)}`]),
    ...config.probes.map(
      ({ url, port, timeout }) =>
        `the healthcheck asks ${url.protocol}//${url.host}${url.pathname} by port ${port}, for at most ${timeout} ms`,
    ),
  ];
}

function describeResolving({ preResolve, nameservers, refresh, scope }: Config): string {
  const asked = askedServers({ preResolve, nameservers }).map(({ text }) => text);
  const kept = refresh ? 'and kept fresh' : 'once, and kept for ever';
  const how = preResolve
    ? `through ${asked.join(', ')}, ${kept}`
    : "by the container's own resolver, at each connection";
  return `names are resolved ${how}; TARGET_SCOPE=${scope}`;
}

/** What is done with names, a line for each way; ports are told where ways differ. */
function describeNames({ listeners, tlsEch }: Config): readonly string[] {
  const ways = Map.groupBy(listeners, ({ kind, allowed, nameCheck }) =>
    namesOf(allowed).includes(EVERYBODY) ? LEARNING : describeNameCheck(kind, nameCheck, tlsEch),
  );
  return [...ways].map(([way, sharing]) => {
    if (ways.size === 1) return way;
    const ports = sharing.map(({ kind, port }) => (kind === 'udp' ? `${port}/udp` : `${port}`));
    return `${listSome(ports, ', ')}: ${way}`;
  });
}

function describeNameCheck(kind: ListenerKind, nameCheck: NameCheck, tlsEch: Config['tlsEch']): string {
  if (kind === 'udp') return 'names are not checked: datagrams carry none';
  switch (nameCheck) {
    case 'off':
      return kind === 'tcp'
        ? 'names are not checked: whatever a client says goes to the target'
        : "the proxy's clients name the target; names within their tunnels are not checked";
    case 'report':
      return 'names are read: who asks for another than TARGET is logged, and let through';
    case 'enforce':
      return `names are checked: who asks for another than TARGET is refused${tlsEch === 'refuse' ? ', and so is who hides one' : ''}`;
  }
}

function describeDns({ dns, nameAddresses }: Config): readonly string[] {
  if (dns === null) return [];
  const at = `DNS questions are answered on port ${DNS_PORT}: allowed names are`;
  if (nameAddresses !== null)
    return [`${at} each at an address of its own, of ${describeNameNetworks(nameAddresses.networks)}`];
  const { v4, v6 } = dns.answers ?? { v4: null, v6: null };
  const where = [v4, v6].filter((address) => address !== null).join(' and ') || 'where it was asked';
  return [`${at} ${dns.answers === null ? '' : 'at '}${where}`];
}

/** Only what is not as everybody expects. */
function describeClients({ listeners, bind, allowFrom, proxyProtocol }: Config): readonly string[] {
  const networks = allowFrom?.map((network) => network.join('/')).join(', ');
  const { tcp, udp } = protocolsOf(listeners);
  const refused = [
    ...(tcp ? ['others are reset'] : []),
    ...(udp ? ['the datagrams of others are dropped'] : []),
  ];
  return [
    ...(bind === null ? [] : [`listens on ${bind.join(', ')} alone`]),
    ...(networks === undefined ? [] : [`clients may come from ${networks}; ${refused.join(', ')}`]),
    ...(proxyProtocol === 'off'
      ? []
      : [`the target is told who the client is, in a PROXY header ${proxyProtocol}`]),
  ];
}

function describeLimits(config: Config): readonly string[] {
  const { tcp, udp } = protocolsOf(config.listeners);
  return [
    ...(tcp ? describeConnections(config) : []),
    ...(udp ? describeSessions(config) : []),
    `at a stop, what is live has ${config.drainTimeout} ms to finish`,
  ];
}

function describeSessions({ udpAnswers, udpTimeout, maxConnections }: Config): readonly string[] {
  if (!udpAnswers) return [`answers are not expected; the name is asked for anew every ${udpTimeout} ms`];
  const more = 'one more takes the place of one that was never answered, or has been idle longest';
  return [
    maxConnections === Infinity ? 'any number of sessions' : `${maxConnections} sessions a port; ${more}`,
    `a session ends after ${udpTimeout} ms of silence`,
  ];
}

function describeConnections({
  maxConnections,
  maxWaiting,
  connectTimeout,
  idleTimeout,
}: Config): readonly string[] {
  return [
    maxConnections === Infinity
      ? 'any number of connections'
      : `${maxConnections} connections a port; up to ${maxWaiting} more wait for their turn`,
    `the target is reached within ${connectTimeout} ms, or the client is reset`,
    idleTimeout === 0
      ? 'connections may be idle for ever'
      : `a connection is reset after ${idleTimeout} ms without a byte`,
  ];
}

/** Which protocols are listened to. */
function protocolsOf(listeners: Config['listeners']): Readonly<Record<Protocol, boolean>> {
  const isThere = (protocol: Protocol) => listeners.some(({ kind }) => protocolOf(kind) === protocol);
  return { tcp: isThere('tcp'), udp: isThere('udp') };
}
