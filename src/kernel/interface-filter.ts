import { isIPv4, SocketAddress } from 'node:net';
import { networkInterfaces } from 'node:os';

import type { Protocol } from '../lib/protocol.ts';
import type { Interfaces } from '../lib/recent-interfaces.ts';
import {
  BPF_ABS,
  BPF_B,
  BPF_JEQ,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_RET,
  BPF_W,
  LOOPBACK_IFINDEX,
  SKF_AD_IFINDEX,
  SKF_AD_OFF,
  SOCK_FILTER,
  SOCK_FPROG,
} from './abi.ts';
import { allocate } from './calls.ts';
import type { Kernel } from './kernel.ts';

/** What stands for every address of a family. */
const ALL = new Set(['::', '0.0.0.0']);

/** Instructions of classic BPF (linux/filter.h), as [code, jump if true, jump if false, k]. */
type Instruction = readonly [number, number, number, number];
const LOAD_BYTE = BPF_LD | BPF_B | BPF_ABS;
const LOAD_WORD = BPF_LD | BPF_W | BPF_ABS;
const JUMP_IF_EQUAL = BPF_JMP | BPF_JEQ | BPF_K;
const JUMP_IF_SET = BPF_JMP | BPF_JSET | BPF_K;
const RETURN = BPF_RET | BPF_K;
/** The index of the interface that a packet has come in by, as an offset of 32 bits. */
const INTERFACE_INDEX = (SKF_AD_OFF + SKF_AD_IFINDEX) >>> 0;
/** A packet is seen from its TCP or UDP header on: TCP's flags are here (RFC 9293 §3.1). */
const TCP_FLAGS = 13;
const SYN = 0x02;
const DROP: Instruction = [RETURN, 0, 0, 0];
const PASS: Instruction = [RETURN, 0, 0, 0xff_ff_ff_ff];

/** Until it is closed. */
export interface InterfaceFilter {
  close: () => void;
}

/**
 * Has a listening socket take what comes in by its address's own interface or from this host, and nothing else: by itself Linux takes packets for any address
 * of its own by any interface (RFC 1122 §3.3.4.2, the weak ES model). An interface that goes and comes with its address is followed. Of TCP the SYNs are
 * judged, so that connections live through that. An address that no interface but loopback has is left alone, as is the socket where the kernel has no such
 * filters.
 *
 * SO_BINDTODEVICE would shut out this host's own clients, the probes among them, and stay deaf once the
 * interface has gone. Those whom a listener accepts inherit the filter, and have to live through it.
 */
export function holdToInterface(
  { calls, options, links }: Kernel,
  fd: number,
  { address, protocol }: { readonly address: string; readonly protocol: Protocol },
): InterfaceFilter {
  const own = canonical(address);
  if (ALL.has(own)) return { close() {} };
  let applied = '';
  const apply = (interfaces: Interfaces) => {
    const names = namesOf(interfaces, own);
    // What this host sends to itself comes in by loopback.
    const indexes = [LOOPBACK_IFINDEX, ...names.map((name) => calls.if_nametoindex(name))];
    if (names.length === 0 || applied === indexes.join()) return;
    applied = indexes.join();
    const program = protocol === 'tcp' ? onlySyns(byInterface(indexes)) : byInterface(indexes);
    attach(program);
  };
  const attach = (program: readonly Instruction[]) => {
    const code = allocate(calls, program.length * SOCK_FILTER.size);
    for (const [i, [operation, ifTrue, ifFalse, k]] of program.entries()) {
      const at = i * SOCK_FILTER.size;
      code.bytes.writeUInt16LE(operation, at);
      code.bytes.writeUInt8(ifTrue, at + SOCK_FILTER.ifTrue);
      code.bytes.writeUInt8(ifFalse, at + SOCK_FILTER.ifFalse);
      code.bytes.writeUInt32LE(k, at + SOCK_FILTER.k);
    }
    const header = allocate(calls, SOCK_FPROG.size);
    header.bytes.writeUInt16LE(program.length);
    header.bytes.writeBigUInt64LE(code.pointer, SOCK_FPROG.instructions);
    options.attachFilter(fd, header);
  };
  apply(networkInterfaces());
  return { close: links.watch(apply) };
}

/** As the system writes it, without a zone. */
function canonical(address: string): string {
  const [ip = ''] = address.split('%');
  return new SocketAddress({ address: ip, family: isIPv4(ip) ? 'ipv4' : 'ipv6' }).address;
}

/** The interfaces, but loopback's, that have an address. */
function namesOf(interfaces: Interfaces, own: string): readonly string[] {
  return Object.entries(interfaces)
    .filter(([, addresses = []]) => addresses.some(({ address, internal }) => !internal && address === own))
    .map(([label]) => label.replace(/:.*/, '')); // an address may have a label of its own, such as eth0:1
}

function byInterface(indexes: readonly number[]): readonly Instruction[] {
  const compared = indexes.map((index, i): Instruction => [JUMP_IF_EQUAL, indexes.length - i, 0, index]);
  return [[LOAD_WORD, 0, 0, INTERFACE_INDEX], ...compared, DROP, PASS];
}

function onlySyns(judge: readonly Instruction[]): readonly Instruction[] {
  return [[LOAD_BYTE, 0, 0, TCP_FLAGS], [JUMP_IF_SET, 0, judge.length - 1, SYN], ...judge];
}
