import type * as Ffi from 'node:ffi';
import { getBuiltinModule } from 'node:process';
import { getSystemErrorName } from 'node:util';

/**
 * The socket and epoll calls of the C library, and what of libuv watches for them. Sizes are such that 32 bits hold them. Calls with more than
 * three arguments take Node longer to make: read(2) and write(2) stand for recv(2) and send(2) where no flag is needed.
 */
const SIGNATURES = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  accept4: { arguments: ['i32', 'pointer', 'pointer', 'i32'], return: 'i32' },
  bind: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  connect: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  setsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'u32'], return: 'i32' },
  getsockopt: { arguments: ['i32', 'i32', 'i32', 'pointer', 'pointer'], return: 'i32' },
  read: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  write: { arguments: ['i32', 'pointer', 'u32'], return: 'i32' },
  recv: { arguments: ['i32', 'pointer', 'u32', 'i32'], return: 'i32' },
  send: { arguments: ['i32', 'pointer', 'u32', 'i32'], return: 'i32' },
  recvmmsg: { arguments: ['i32', 'pointer', 'u32', 'i32', 'pointer'], return: 'i32' },
  sendmmsg: { arguments: ['i32', 'pointer', 'u32', 'i32'], return: 'i32' },
  getsockname: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
  shutdown: { arguments: ['i32', 'i32'], return: 'i32' },
  close: { arguments: ['i32'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  epoll_create1: { arguments: ['i32'], return: 'i32' },
  epoll_ctl: { arguments: ['i32', 'i32', 'i32', 'pointer'], return: 'i32' },
  epoll_wait: { arguments: ['i32', 'pointer', 'i32', 'i32'], return: 'i32' },
  if_nametoindex: { arguments: ['string'], return: 'u32' },
  __errno_location: { arguments: [], return: 'pointer' },
  uv_handle_size: { arguments: ['i32'], return: 'u32' },
  uv_poll_init: { arguments: ['pointer', 'pointer', 'i32'], return: 'i32' },
  uv_poll_start: { arguments: ['pointer', 'i32', 'pointer'], return: 'i32' },
  uv_close: { arguments: ['pointer', 'pointer'], return: 'void' },
} as const;

/** Flags of a new descriptor: SOCK_NONBLOCK, and SOCK_CLOEXEC or EPOLL_CLOEXEC. */
export const NONBLOCK = 0o4_000;
export const CLOSE_ON_EXEC = 0o2_000_000;
const F_DUPFD_CLOEXEC = 1030;

/** Memory that C reads or writes. The pointer does not keep it: whoever passes it on holds on to the bytes. */
export interface Memory {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly pointer: bigint;
}

/** Functions of C, for the thread that has loaded them. */
export type Calls = ReturnType<typeof loadCalls>;

/** Throws where this Node has no node:ffi, or where C has not all of the functions. */
export function loadCalls() {
  const ffi = getBuiltinModule('node:ffi') as typeof Ffi | undefined;
  if (ffi === undefined) throw new Error('this Node has no node:ffi');
  const { lib, functions } = ffi.dlopen(null, SIGNATURES);
  const place = functions.__errno_location();
  const errnoCell = new Int32Array(ffi.toArrayBuffer(place, Int32Array.BYTES_PER_ELEMENT, false));
  const errno = () => errnoCell[0] as number;

  return {
    ...functions,
    lib,
    loop: ffi.getCurrentEventLoop(),
    pointerTo: (bytes: Buffer): bigint => ffi.getRawPointer(bytes),
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
