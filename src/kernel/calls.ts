import type * as Ffi from 'node:ffi';
import { getBuiltinModule } from 'node:process';
import { getSystemErrorName } from 'node:util';

import { F_DUPFD_CLOEXEC, IF_NAMESIZE } from './abi.ts';

/**
 * Node 26.10 compares the name of each argument's type with a list, on each call, and finds this one first. A call takes 0.1 µs beside what C takes; with `i32`
 * and `pointer` alone a quarter more, and with four arguments three times as much. No size here is too large for it.
 */
const INT = 'int32';
const POINTER = 'pointer';
/** An address as well, which Node takes in a third of the time where there are more than three arguments. */
const POINTER_OF_MANY = 'function';

/** The socket, epoll and lock calls of the C library, and what of libuv wakes Node for them. The fewer arguments, the faster: read(2) stands for recv(2). */
const SIGNATURES = {
  socket: { arguments: [INT, INT, INT], return: INT },
  accept4: { arguments: [INT, POINTER_OF_MANY, POINTER_OF_MANY, INT], return: INT },
  bind: { arguments: [INT, POINTER, INT], return: INT },
  connect: { arguments: [INT, POINTER, INT], return: INT },
  setsockopt: { arguments: [INT, INT, INT, POINTER_OF_MANY, INT], return: INT },
  getsockopt: { arguments: [INT, INT, INT, POINTER_OF_MANY, POINTER_OF_MANY], return: INT },
  read: { arguments: [INT, POINTER, INT], return: INT },
  write: { arguments: [INT, POINTER, INT], return: INT },
  send: { arguments: [INT, POINTER_OF_MANY, INT, INT], return: INT },
  recv: { arguments: [INT, POINTER_OF_MANY, INT, INT], return: INT },
  recvmmsg: { arguments: [INT, POINTER_OF_MANY, INT, INT, POINTER_OF_MANY], return: INT },
  sendmmsg: { arguments: [INT, POINTER_OF_MANY, INT, INT], return: INT },
  getsockname: { arguments: [INT, POINTER, POINTER], return: INT },
  shutdown: { arguments: [INT, INT], return: INT },
  close: { arguments: [INT], return: INT },
  fcntl: { arguments: [INT, INT, INT], return: INT },
  flock: { arguments: [INT, INT], return: INT },
  epoll_create1: { arguments: [INT], return: INT },
  epoll_ctl: { arguments: [INT, INT, INT, POINTER_OF_MANY], return: INT },
  epoll_wait: { arguments: [INT, POINTER_OF_MANY, INT, INT], return: INT },
  if_indextoname: { arguments: [INT, POINTER], return: POINTER },
  if_nametoindex: { arguments: ['string'], return: INT },
  __errno_location: { arguments: [], return: POINTER },
  uv_handle_size: { arguments: [INT], return: INT },
  uv_poll_init: { arguments: [POINTER, POINTER, INT], return: INT },
  uv_poll_start: { arguments: [POINTER, INT, POINTER], return: INT },
  uv_poll_stop: { arguments: [POINTER], return: INT },
  calloc: { arguments: ['uint64', 'uint64'], return: POINTER },
} as const;

/** Memory that C reads or writes. The pointer does not keep it: whoever passes it on holds on to the bytes. */
export interface Memory {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly pointer: bigint;
}

/** Functions of C, for the thread that has loaded them. */
export type Calls = ReturnType<typeof loadCalls>;

/**
 * Throws where this Node has no node:ffi, or where C has not all of the functions.
 *
 * Four rules keep calls safe. Memory that C sees is allocated once a thread and kept. A socket that is closed
 * or given away answers every call with EBADF, as its number may be another connection's by then. errno is
 * read at its own address right after the call. C calls no JavaScript: an exception there, or a worker that
 * runs out of heap, would abort the process.
 */
export function loadCalls() {
  const ffi = getBuiltinModule('node:ffi') as typeof Ffi | undefined;
  if (ffi === undefined) throw new Error('this Node has no node:ffi');
  const { lib, functions } = ffi.dlopen(null, SIGNATURES);
  const address = functions.__errno_location();
  const errnoCell = new Int32Array(ffi.toArrayBuffer(address, Int32Array.BYTES_PER_ELEMENT, false));
  const errno = () => errnoCell[0] as number;
  const pointerTo = (bytes: Buffer): bigint => ffi.getRawPointer(bytes);
  const name = allocate({ pointerTo }, IF_NAMESIZE);

  return {
    ...functions,
    lib,
    loop: ffi.getCurrentEventLoop(),
    pointerTo,
    /** Zeroed memory that outlives the thread. */
    allocateForEver: (size: number): bigint => functions.calloc(1n, BigInt(size)),
    /** Sets bits of a 32-bit word in C's memory. */
    setBits: (pointer: bigint, offset: number, bits: number): void =>
      ffi.setUint32(pointer, offset, ffi.getUint32(pointer, offset) | bits),
    /** Of an interface's index, which is the scope of a link-local address (RFC 4007 §11.2): its name, or else its number. */
    zoneName: (index: number): string => {
      if (functions.if_indextoname(index, name.pointer) === 0n) return String(index);
      return name.bytes.toString('latin1', 0, name.bytes.indexOf(0));
    },
    /** A second descriptor for what one stands for, which other programs do not inherit (F_DUPFD_CLOEXEC of fcntl(2)). */
    duplicate: (fd: number): number => functions.fcntl(fd, F_DUPFD_CLOEXEC, 0),
    /** Why the last call failed (errno(3)); to be asked for right after it. */
    errno,
    /** That as an error of the operation. */
    failure: (operation: string, code = errno()): Error => systemError(operation, code),
  };
}

/** Zeroed memory of so many bytes. */
export function allocate(calls: Pick<Calls, 'pointerTo'>, size: number): Memory {
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, pointer: calls.pointerTo(bytes) };
}

/** As Node's own: `connect ECONNREFUSED 10.0.0.2:80`. */
export function systemError(operation: string, errno: number, object = ''): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  const message = [operation, code, object].filter(Boolean).join(' ');
  return Object.assign(new Error(message), { code, errno: -errno, syscall: operation });
}
