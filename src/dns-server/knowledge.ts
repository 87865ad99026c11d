import type { SocketAddress } from '../kernel/socket-address.ts';
import { sourceOf } from '../lib/source-of.ts';
import type { Log } from '../log/log.ts';
import type { Counters } from '../relay/counters.ts';
import { endpoint } from '../relay/endpoint.ts';
import { logRefusal, type Reason } from '../relay/log-refusal.ts';
import type { Knowledge, Verdict } from './answer.ts';
import { toRecords } from './asked-records.ts';
import type { Addresses } from './own-addresses.ts';
import type { AddressRecords } from './records.ts';

/** What the door makes of names: in lower case, as zone files write them (RFC 1035 §5.1), without the root's dot: the root is ''. */
export interface Names {
  /** Asked once for each question, so that its rules may change meanwhile. */
  readonly judge: (name: string) => Verdict;
  /** See Knowledge. */
  readonly isThere: Knowledge['isThere'];
  /** The addresses of a name's own, where names have such: null while none are left for a client at this address. */
  readonly addressesOf?: ((name: string, source: string) => Addresses | null) | undefined;
}

/** What it takes to judge and to tell. */
export interface Judging {
  readonly names: Names;
  readonly counters: Counters;
  readonly log: Pick<Log<'port'>, 'warn'>;
}

/** Whose question it is, and what there is to know of where it was asked. */
interface Asked {
  readonly client: () => SocketAddress;
  /** Of names that have no addresses of their own. */
  readonly records: () => AddressRecords;
}

/** What it takes to answer. Whom it refuses is logged and counted. */
export function createKnowledge({ names, counters, log }: Judging, { client, records }: Asked): Knowledge {
  const { judge, isThere, addressesOf } = names;
  const refuse = (reason: Reason) => {
    counters.refused(reason.rule);
    const { address, port } = client();
    logRefusal(log, endpoint(address, port), reason);
  };
  return {
    judge(name) {
      const verdict = judge(name);
      if (verdict === 'unknown')
        refuse({ rule: 'not in TARGET', asked: name, message: `${name} is not in TARGET` });
      return verdict;
    },
    isThere,
    recordsOf(name) {
      if (addressesOf === undefined) return records();
      const addresses = addressesOf(name, sourceOf(client().address));
      if (addresses !== null) return toRecords(addresses);
      const message = `all addresses of NAME_ADDRESSES are in use: none is left for ${name}`;
      refuse({ rule: 'no address left', asked: name, message });
      return null;
    },
  };
}
