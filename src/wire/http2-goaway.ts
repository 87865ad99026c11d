/** Frame types and the error code HTTP_1_1_REQUIRED (RFC 9113 §6.5, §6.8 and §7). */
const SETTINGS = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const GOAWAY = [0, 0, 8, 7, 0, 0, 0, 0, 0];
const HTTP_1_1_REQUIRED = [0, 0, 0, 13];
const NO_STREAM = [0, 0, 0, 0];

/** The least that an HTTP/2 server can say: empty SETTINGS, and that HTTP/1.1 is wanted. */
export const HTTP2_GOAWAY = Buffer.from([...SETTINGS, ...GOAWAY, ...NO_STREAM, ...HTTP_1_1_REQUIRED]);
