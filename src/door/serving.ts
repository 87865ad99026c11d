import { ipVersion } from '../config/host.ts';
import { mustChoose } from '../config/listeners.ts';
import { type NameCheck, serverSpeaksFirst } from '../config/name-check.ts';
import type { NameAddresses } from '../relay/name-addresses.ts';
import { chooseConnected, chooseDialled, type NameRules } from '../relay/names/choose.ts';
import { relayTo } from '../relay/serve/relay-to.ts';
import type { Lead, Target } from '../relay/target.ts';
import type { Connection } from '../relay/tcp/connection.ts';
import type { Serve } from '../relay/tcp/listen.ts';
import type { Upstream } from '../relay/tcp/upstream.ts';
import { Refusal } from '../wire/refusal.ts';
import type { RelayConfig } from './listen.ts';
import type { Routes } from './routes.ts';

/** What serves a client of whom it is known where it may be led. */
interface Serving {
  readonly relay: (connection: Connection, target: Target, rules: NameRules) => Promise<void>;
  /** Of one whose target is reached. */
  readonly tunnel: (connection: Connection, upstream: Upstream, rules: NameRules) => Promise<void>;
}

const nothing = () => {};

/** How the TCP clients of a port are served. What is not needed for that is not loaded. */
export async function serveTcp(
  { tlsEch, nameAddresses }: RelayConfig,
  routes: Routes,
  addresses: NameAddresses | null,
): Promise<Serve> {
  const { port, choose } = routes;
  const rules: NameRules = { choose, refuseEch: tlsEch === 'refuse' };
  const serving = await servingBy(port.nameCheck);
  if (port.kind === 'http-proxy') {
    const { proxyHttp } = await import('../relay/serve/http-proxy.ts');
    const tunnel = async (connection: Connection, upstream: Upstream): Promise<void> => {
      const { target } = upstream;
      if (!hasName(target)) return connection.spliceWith(upstream);
      return serving.tunnel(connection, upstream, { ...rules, choose: chooseConnected(target, choose) });
    };
    return proxyHttp({ choose, tunnel });
  }
  const { only } = routes;
  const serveOthers: Serve = (connection) => serving.relay(connection, only, rules);
  if (addresses === null || nameAddresses === null) return serveOthers;

  const { serveByAddress } = await import('../relay/serve/by-address.ts');
  const raw = await servingBy('off');
  const named = await servingBy(nameAddresses.nameCheck);
  return serveByAddress({
    lead: (own) => leadBy(own, routes, addresses),
    serveNamed: (connection, target) =>
      (hasName(target) ? named : raw).relay(connection, target, {
        ...rules,
        choose: chooseDialled(target, choose),
      }),
    serveOthers,
  });
}

/** Where the UDP clients of a port are led. */
export function leadUdp(routes: Routes, addresses: NameAddresses | null): (own: () => string) => Lead {
  return (own) => (addresses && leadBy(own(), routes, addresses)) ?? { target: routes.only, end: nothing };
}

/** By the address that a client has dialled; null for the port's only name. */
function leadBy(own: string, routes: Routes, addresses: NameAddresses): Lead | null {
  const lead = addresses.lead(own, (name) => routes.named(name));
  if (lead === null && mustChoose(routes.port) && routes.port.nameCheck === 'off')
    throw new Refusal('no name', 'several names share this port: each is reached at its own address alone');
  return lead;
}

/** Whether a client says the name of its target, as far as the port tells. */
function hasName({ host, port }: Target): boolean {
  return ipVersion(host) === 0 && !serverSpeaksFirst(port);
}

/** What makes of the names that clients say what NAME_CHECK wants. */
async function servingBy(nameCheck: NameCheck): Promise<Serving> {
  if (nameCheck === 'enforce') {
    const { createNameCheck } = await import('../relay/serve/enforce-names.ts');
    const check = createNameCheck();
    return {
      relay: (connection, _target, rules) => check(connection, rules),
      tunnel: (connection, upstream, rules) => check(connection, rules, upstream),
    };
  }
  const { NameReport = null } = nameCheck === 'report' ? await import('../relay/serve/report-names.ts') : {};
  const observe = (connection: Connection, rules: NameRules) =>
    NameReport && new NameReport(connection, rules);
  return {
    relay: (connection, target, rules) => relayTo(target, (its) => observe(its, rules))(connection),
    tunnel: (connection, upstream, rules) => connection.spliceWith(upstream, observe(connection, rules)),
  };
}
