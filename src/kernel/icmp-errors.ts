import { constants } from 'node:os';

import { EHOSTDOWN, ENONET } from './abi.ts';

const { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, EACCES, EPROTO } = constants.errno;

/**
 * What a socket may be told because of an ICMP message about something that it has sent (icmp_err_convert and icmpv6_err_convert of Linux), as errno(3) numbers
 * it.
 */
export const ICMP_ERRORS: ReadonlySet<number> = new Set([
  ECONNREFUSED,
  EHOSTUNREACH,
  ENETUNREACH,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EACCES,
  EPROTO,
  EHOSTDOWN,
  ENONET,
]);
