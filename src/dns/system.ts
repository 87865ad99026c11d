import { isIPv4 } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { listSome } from '../lib/list-some.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal, ResolveError } from '../lib/resolve-error.ts';
import { unmapped } from '../lib/unmapped.ts';
import { parseHosts } from './hosts.ts';
import { limitAddresses } from './limit-addresses.ts';
import { loadResolver } from './load-resolver.ts';
import { parseNsswitch } from './nsswitch.ts';
import { parsedFile } from './parsed-file.ts';
import { candidatesFor, parseResolvConf, type ResolvConf } from './resolv-conf.ts';
import type { AddressRecord, Answer, Resolve } from './resolver.ts';

interface Options {
  /** Where hosts, nsswitch.conf and resolv.conf lie. */
  readonly directory?: string;
  /** The port of the nameservers. */
  readonly port?: number;
}

/** How long an answer may be kept, in s: files tell no TTL, and Docker's nameserver says ten minutes of a container that may move at any time. */
const TTL = 30;
const LOOPBACK: readonly AddressRecord[] = [
  { address: '127.0.0.1', family: 4, ttl: TTL },
  { address: '::1', family: 6, ttl: TTL },
];

/**
 * The container's own resolver, as getaddrinfo(3) is, but without a thread for each lookup: the hosts file, then the nameservers of resolv.conf, or in
 * nsswitch.conf's order. Each lookup goes by the files as they are then. localhost and the names below it are this machine, and no nameserver is asked
 * for them (RFC 6761 §6.3).
 *
 * getaddrinfo(3) cannot be aborted, and libuv gives it two threads: a resolver of 300 ms made 6 connections a
 * second of them, one name that hung took all others down, and SIGTERM waited for it.
 */
export function createSystemResolver({ directory = '/etc', port = 53 }: Options = {}): Resolve {
  const hosts = parsedFile(join(directory, 'hosts'), parseHosts);
  const services = parsedFile(join(directory, 'nsswitch.conf'), parseNsswitch);
  const dns = parsedFile(join(directory, 'resolv.conf'), (text) => searchDns(parseHere(text), port));

  return async (name, types, signal) => {
    const isAsked = ({ family }: AddressRecord) => types.includes(family === 4 ? 'A' : 'AAAA');
    let problem: unknown = new ResolveError(`${name} has no address in ${directory}/hosts`, {
      isFinal: true,
    });
    for (const { service, endsOn } of services()) {
      if (service === 'files') {
        const written = hosts()(name).map((address) => ({ ...address, ttl: TTL }));
        const found = (types.includes('AAAA') ? written : written.map(asIPv4)).filter(isAsked);
        if (found.length > 0) return answerOf(found);
        if (endsOn.notFound) break;
        continue;
      }
      if (isLocalhost(name)) return answerOf(LOOPBACK.filter(isAsked));
      try {
        return await dns()(name, types, signal);
      } catch (cause) {
        signal.throwIfAborted();
        problem = cause;
        if (isFinal(cause) ? endsOn.notFound : endsOn.failure) break;
      }
    }
    throw problem;
  };
}

/** The addresses of the nameservers that it asks, in order; none where resolv.conf cannot be read. */
export function systemNameservers(): readonly string[] {
  try {
    return parsedFile('/etc/resolv.conf', parseHere)().nameservers;
  } catch {
    return [];
  }
}

function parseHere(text: string): ResolvConf {
  return parseResolvConf(text, hostname());
}

/**
 * Asks for all that a name may stand for, in turn, until there are addresses, as glibc does: also when nobody can tell about one of them. Nameservers are asked
 * in the order of the file each time, as they may know different names.
 */
function searchDns(conf: ResolvConf, port: number): Resolve {
  const protocol = conf.overTcp ? 'tcp' : 'udp';
  const servers = conf.nameservers.map((address) => ({ text: address, protocol, address, port }) as const);
  const { timeout } = conf;
  let loaded: Promise<Resolve> | null = null;

  return async (name, types, signal) => {
    const asked = types.filter((type) => type === 'A' || conf.asksAaaa);
    loaded ??= loadResolver((open) => servers.map(open), { timeout, headStart: timeout, penalty: 0 });
    const resolve = await loaded;
    const candidates = candidatesFor(name, conf);
    if (candidates.length === 0)
      throw new ResolveError(`${name} is no name that DNS can hold`, { isFinal: true });
    const problems: unknown[] = [];
    for (const candidate of candidates) {
      try {
        const { records, ...rest } = await insist(() => resolve(candidate, asked, signal));
        return { ...rest, records: records.map((record) => ({ ...record, ttl: Math.min(TTL, record.ttl) })) };
      } catch (cause) {
        problems.push(cause);
      }
      signal.throwIfAborted();
    }
    const message = listSome(problems.map(messageOf), '; ');
    throw new ResolveError(message, { isFinal: problems.every(isFinal) });

    async function insist(ask: () => Promise<Answer>): Promise<Answer> {
      for (let attempt = 1; ; attempt++) {
        try {
          return await ask();
        } catch (cause) {
          if (attempt === conf.attempts || signal.aborted || isFinal(cause)) throw cause;
        }
      }
    }
  };
}

/** What of an IPv6 address glibc's `files` has for those who want IPv4 alone: `::1 localhost` is common. */
function asIPv4(record: AddressRecord): AddressRecord {
  const address = record.address === '::1' ? '127.0.0.1' : unmapped(record.address);
  return isIPv4(address) ? { ...record, address, family: 4 } : record;
}

function answerOf(records: readonly AddressRecord[]): Answer {
  const distinct = new Map(records.map((record) => [record.address, record]));
  return { ...limitAddresses([...distinct.values()]), unknown: [] };
}

function isLocalhost(name: string): boolean {
  return /(^|\.)localhost\.?$/i.test(name);
}
