import { networkInterfaces } from 'node:os';

import type { Interfaces } from '../lib/recent-interfaces.ts';
import {
  AF_NETLINK,
  EPOLLIN,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV6_IFADDR,
  RTMGRP_LINK,
  SOCKADDR_NL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from './abi.ts';
import { allocate, type Calls, type Memory } from './calls.ts';
import type { Poller, Watched } from './poller.ts';

const GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
/** What a message has beyond it is cut off: it is not read. */
const MESSAGE_SIZE = 64;

/** Tells when an interface or an address of this network has come or gone (rtnetlink(7)), while somebody wants to know. */
export class LinkWatch implements Watched {
  fd = -1;
  readonly #calls: Calls;
  readonly #poller: Poller;
  readonly #message: Memory;
  readonly #listeners = new Set<(interfaces: Interfaces) => void>();

  constructor(calls: Calls, poller: Poller) {
    this.#calls = calls;
    this.#poller = poller;
    this.#message = allocate(calls, MESSAGE_SIZE);
  }

  /** Tells the listener at each change what there is, until what is returned is called. Where the kernel does not tell, nobody is told. */
  watch(listener: (interfaces: Interfaces) => void): () => void {
    if (this.#listeners.size === 0) this.#open();
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#close();
    };
  }

  onEvents(): void {
    const { pointer, bytes } = this.#message;
    while (this.#calls.read(this.fd, pointer, bytes.length) > 0);
    const interfaces = networkInterfaces();
    for (const listener of this.#listeners) listener(interfaces);
  }

  #open(): void {
    this.fd = this.#calls.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (this.fd < 0) return;
    const { pointer, bytes } = allocate(this.#calls, SOCKADDR_NL.size);
    bytes.writeUInt16LE(AF_NETLINK);
    bytes.writeUInt32LE(GROUPS, SOCKADDR_NL.groups);
    if (this.#calls.bind(this.fd, pointer, bytes.length) === 0) this.#poller.watch(this, EPOLLIN);
  }

  #close(): void {
    if (this.fd < 0) return;
    this.#poller.forget(this.fd);
    this.#calls.close(this.fd);
    this.fd = -1;
  }
}
