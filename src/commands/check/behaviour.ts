import type { Config } from '../../config/config.ts';
import { askedServers } from '../../dns/asked-servers.ts';
import { endpoint } from '../../relay/endpoint.ts';

/** What the relay would do, beside where it leads: a sentence a line. */
export function describeBehaviour(config: Config): readonly string[] {
  return [
    describeResolving(config),
    describeNames(config),
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

function describeNames({ mode, nameCheck, tlsEch }: Config): string {
  if (mode === 'udp') return 'names are not checked: datagrams carry none';
  switch (nameCheck) {
    case 'off':
      return mode === 'tcp'
        ? 'names are not checked: whatever a client says goes to the target'
        : "the proxy's clients name the target; names within their tunnels are not checked";
    case 'report':
      return 'names are read: who asks for another than TARGET is logged, and let through';
    case 'enforce':
      return `names are checked: who asks for another than TARGET is refused${tlsEch === 'refuse' ? ', and so is who hides one' : ''}`;
  }
}

/** Only what is not as everybody expects. */
function describeClients({ mode, bind, allowFrom, proxyProtocol }: Config): readonly string[] {
  const networks = allowFrom?.map((network) => network.join('/')).join(', ');
  const refused = mode === 'udp' ? 'the datagrams of others are dropped' : 'others are reset';
  return [
    ...(bind === null ? [] : [`listens on ${bind.join(', ')} alone`]),
    ...(networks === undefined ? [] : [`clients may come from ${networks}; ${refused}`]),
    ...(proxyProtocol === 'off'
      ? []
      : [`the target is told who the client is, in a PROXY header ${proxyProtocol}`]),
  ];
}

function describeLimits(config: Config): readonly string[] {
  const { mode, maxConnections, maxWaiting, udpAnswers } = config;
  const { connectTimeout, idleTimeout, udpTimeout, drainTimeout } = config;
  const drain = `at a stop, what is live has ${drainTimeout} ms to finish`;
  if (mode === 'udp' && !udpAnswers)
    return [`answers are not expected; the name is asked for anew every ${udpTimeout} ms`, drain];
  if (mode === 'udp') {
    const more = 'one more takes the place of one that was never answered, or has been idle longest';
    return [
      maxConnections === Infinity ? 'any number of sessions' : `${maxConnections} sessions a port; ${more}`,
      `a session ends after ${udpTimeout} ms of silence`,
      drain,
    ];
  }
  return [
    maxConnections === Infinity
      ? 'any number of connections'
      : `${maxConnections} connections a port; up to ${maxWaiting} more wait for their turn`,
    `the target is reached within ${connectTimeout} ms, or the client is reset`,
    idleTimeout === 0
      ? 'connections may be idle for ever'
      : `a connection is reset after ${idleTimeout} ms without a byte`,
    drain,
  ];
}
