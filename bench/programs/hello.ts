import { extension, records, vector } from '../../test/helpers/client-hello.ts';

const SERVER_HELLO_TYPE = 2;
const SUPPORTED_VERSIONS = 43;

/** What a client's byte after the ServerHello asks for. */
export const UPLOAD = 0x75;
export const DOWNLOAD = 0x64;

/** The least ServerHello of TLS 1.3 (RFC 8446 §4.1.3) that a reader of names could make sense of. */
export const SERVER_HELLO = records(
  22,
  Buffer.concat([
    Buffer.of(SERVER_HELLO_TYPE),
    vector(
      3,
      Buffer.of(3, 3),
      Buffer.alloc(32, 9),
      vector(1, Buffer.alloc(32, 8)),
      Buffer.of(0x13, 0x01, 0),
      vector(2, extension(SUPPORTED_VERSIONS, Buffer.of(3, 4))),
    ),
  ]),
);
