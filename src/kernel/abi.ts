import { arch } from 'node:process';

// What C's headers define, as Linux has it on 64-bit little-endian machines, and libuv on those; each by its name there. A test compiles all of it against the
// headers, for amd64 and for arm64 (test/servers/abi.test.ts).

// sys/socket.h
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4_000;
/** EPOLL_CLOEXEC is the same. */
export const SOCK_CLOEXEC = 0o2_000_000;
export const MSG_PEEK = 0x2;
export const MSG_ERRQUEUE = 0x20_00;
export const MSG_MORE = 0x80_00;
export const SHUT_WR = 1;

// socket(7)
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const SO_ATTACH_FILTER = 26;
export const SO_MEMINFO = 55;

// ip(7), ipv6(7)
export const IPPROTO_IP = 0;
export const IP_PKTINFO = 8;
export const IP_RECVERR = 11;
export const IPPROTO_IPV6 = 41;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;

// udp(7), tcp(7)
export const SOL_UDP = 17;
export const UDP_SEGMENT = 103;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_INFO = 11;

// errno(3), of which Node has no names
export const ENONET = 64;
export const EHOSTDOWN = 112;

// epoll_ctl(2)
export const EPOLLIN = 0x1;
export const EPOLLPRI = 0x2;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x20_00;
export const EPOLLET = 1 << 31;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

// fcntl(2), flock(2)
export const F_DUPFD_CLOEXEC = 1030;
export const LOCK_EX = 2;
export const LOCK_NB = 4;

// netlink(7), if_nametoindex(3)
export const RTMGRP_LINK = 0x1;
export const RTMGRP_IPV4_IFADDR = 0x10;
export const RTMGRP_IPV6_IFADDR = 0x1_00;
export const IF_NAMESIZE = 16;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x1_00;
export const NLM_F_CREATE = 0x4_00;

// rtnetlink(7)
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTN_LOCAL = 2;
export const RTPROT_STATIC = 4;
export const RT_SCOPE_HOST = 254;
export const RT_TABLE_LOCAL = 255;
export const RTA_DST = 1;
export const RTA_OIF = 4;
export const IFA_ADDRESS = 1;
export const IFA_CACHEINFO = 6;
export const IFA_F_NODAD = 0x02;

/** Of the kernel's own net/flow.h, which programs do not get: the test asks the kernel. */
export const LOOPBACK_IFINDEX = 1;

// linux/bpf_common.h, linux/filter.h
export const BPF_LD = 0x00;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_W = 0x00;
export const BPF_B = 0x10;
export const BPF_ABS = 0x20;
export const BPF_JEQ = 0x10;
export const BPF_JSET = 0x40;
export const BPF_K = 0x00;
export const SKF_AD_OFF = -0x10_00;
export const SKF_AD_IFINDEX = 8;

// uv.h
export const UV_POLL = 8;
export const UV_READABLE = 1;

/** Layouts of structures: their size and where their fields begin, in bytes. */
export const SOCKADDR_IN = { size: 16, port: 2, address: 4 };
export const SOCKADDR_IN6 = { size: 28, port: 2, address: 8, scope: 24 };
export const SOCKADDR_NL = { size: 12, groups: 8 };
export const NLMSGHDR = { size: 16, length: 0, type: 4, flags: 6 };
export const RTMSG = { size: 12, prefix: 1, table: 4, protocol: 5, scope: 6, type: 7 };
export const RTATTR = { size: 4, type: 2 };
export const IFADDRMSG = { size: 8, prefix: 1, flags: 2, index: 4 };
export const IFADDR_LIFETIMES = { size: 16, valid: 4 };
export const LINGER = { size: 8, isOn: 0, time: 4 };
export const SOCK_FILTER = { size: 8, ifTrue: 2, ifFalse: 3, k: 4 };
export const SOCK_FPROG = { size: 16, instructions: 8 };
/** How many there are is told by `drops` (SK_MEMINFO_DROPS of linux/sock_diag.h). */
export const MEMINFO = { size: 36, drops: 32 };
export const TCP_INFO_OF = {
  size: 148,
  retransmits: 2,
  probes: 3,
  unacked: 24,
  lastAckReceived: 56,
  notSentBytes: 144,
};
export const UV_HANDLE = { flags: 88 };

/** The same, in 32-bit words. */
export const MMSGHDR = {
  size: 16,
  name: 0,
  nameSize: 2,
  iov: 4,
  iovCount: 6,
  control: 8,
  controlSize: 10,
  received: 14,
};
export const IOVEC = { size: 4, base: 0, length: 2 };
export const CMSG = { length: 0, level: 2, type: 3, value: 4 };
export const IN_PKTINFO = { size: 3, ownAddress: 1 };
export const IN6_PKTINFO = { size: 5, interface: 4 };
/** It is packed on x86-64 alone. */
export const EPOLL_EVENT = arch === 'x64' ? { size: 3, data: 1 } : { size: 4, data: 2 };
