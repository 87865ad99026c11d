import { constants } from 'node:os';

const { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EOPNOTSUPP, EACCES, EPROTO } = constants.errno;
/** Node does not name them. */
const [EHOSTDOWN, ENONET] = [112, 64];

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
