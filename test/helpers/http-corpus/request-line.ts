import * as fc from 'fast-check';

import { mostly } from './mostly.ts';

export const METHOD = mostly(
  ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH'],
  [
    'TRACE',
    'QUERY',
    'LIST',
    'VERSION-CONTROL',
    'M-SEARCH',
    'SOURCE',
    'PRI',
    'get',
    'G',
    '!',
    'G_T',
    'GE\tT',
    'GE T',
    '',
    'G(T',
    'GE\x00T',
    'G\xe4T',
    'HTTP/1.1',
  ],
  30,
);
export const VERSION = mostly(
  ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0'],
  [
    'HTTP/1.1 ',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/0.9',
    'http/1.1',
    'HTTP/1.10',
    'HTTP/11',
    'HTTP/1,1',
    'HTTP/1.1\t',
    'HTTP/1.1\x85',
    '',
    'HTTP/1.\xb9',
    'RTSP/1.0',
    'HTTP/1.1 HTTP/1.1',
  ],
  60,
);
const PATHS = ['/', '/a', '/a', '/a/b?c=d', '/?', '//a', '/a%0d%0aHost:%20bad.test'];
const ODD_PATHS = [
  '/\xe4',
  '/%00',
  '/a\xa0b',
  '/a\x85',
  '/a#b',
  '/a\\b',
  '/a b',
  '/a\tb',
  '/\x00',
  '/\x7f',
  '',
  '/"<>^`{|}',
  '/../a',
  '/http://bad.test/',
  '/:@bad.test',
  `/${'a'.repeat(3_000)}`,
];
const AUTHORITIES = ['api.test', 'api.test', 'api.test:PORT', 'API.test:PORT'];
const ODD_AUTHORITIES = [
  'api.test.',
  'api.test:',
  'api.test:80',
  'api.test:080',
  'bad.test',
  'bad.test:PORT',
  'x@api.test',
  'api.test@bad.test',
  '[::1]',
  '[::1]:PORT',
  'api.test,bad.test',
  'api.test bad.test',
  'api.test/bad.test',
  'api_test',
  'api.test\\bad.test',
  'api.test#bad.test',
  '',
  'api.test:99999',
  'api.test:x',
  '\xe4.test',
  'api.test\xa0',
  'api%2etest',
  "api.test'",
];
/** A host as a client writes it; PORT is the one of api.test. */
export const AUTHORITY = mostly(AUTHORITIES, ODD_AUTHORITIES, 40);

/** A request target. */
export interface Target {
  readonly target: string;
  /** What it needs to be allowed. */
  readonly method?: string;
  readonly authority?: string;
}

export const originForm: fc.Arbitrary<Target> = mostly(PATHS, ODD_PATHS, 30).map((target) => ({ target }));
export const absoluteForm: fc.Arbitrary<Target> = fc
  .tuple(
    mostly(['http', 'http', 'HTTP'], ['https', 'ws', 'x', 'http:', ''], 20),
    AUTHORITY,
    mostly([...PATHS, ''], [...ODD_PATHS, '?a', '#a'], 20),
  )
  .map(([scheme, authority, path]) => ({ target: `${scheme}://${authority}${path}`, authority }));
export const otherForm: fc.Arbitrary<Target> = fc.oneof(
  fc.constant({ target: '*', method: 'OPTIONS' }),
  mostly(['api.test:PORT'], [...AUTHORITIES, ...ODD_AUTHORITIES, '/'], 3).map((target) => ({
    target,
    method: 'CONNECT',
    authority: target,
  })),
  fc
    .constantFrom('*', 'api.test:PORT', 'a', '?', 'http:api.test', 'http:/api.test/')
    .map((target) => ({ target })),
);
