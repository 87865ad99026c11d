import * as fc from 'fast-check';

import { BODY } from './body.ts';
import { EDITS } from './edits.ts';
import { FIELD } from './fields.ts';
import { HIDDEN } from './hidden.ts';
import { mostly } from './mostly.ts';
import {
  absoluteForm,
  AUTHORITY,
  METHOD,
  originForm,
  otherForm,
  type Target,
  VERSION,
} from './request-line.ts';
import { type Options, trickTexts } from './tricks.ts';

/** What a client sends, to be read as one that knows of a proxy or not. */
export interface ClientStream {
  readonly asProxy: boolean;
  /** As latin1. */
  readonly text: string;
  /** How many requests it was made of. */
  readonly count: number;
}

/** What Host says: the same as the target if that names somebody, anything, nothing, or both. */
const HOST = mostly(['same'], ['other', 'none', 'twice'], 11);
const HOST_WORDS = mostly(
  ['Host: ', 'Host: ', 'Host: ', 'host:', 'HOST: '],
  ['Host:  ', 'Host:\t', 'Host : ', ' Host: ', 'Host:\r\n ', 'Host', 'Host\x00: '],
  40,
);

function anyRequest(target: fc.Arbitrary<Target>): fc.Arbitrary<string> {
  return fc
    .record({
      method: METHOD,
      target,
      version: VERSION,
      host: HOST,
      hostWords: HOST_WORDS,
      authority: AUTHORITY,
      fields: fc.array(FIELD, { maxLength: 4 }),
      isHostLast: fc.boolean(),
      body: BODY,
    })
    .map(({ method, target: { target: where, ...needs }, version, host, body, ...rest }) => {
      const { authority, hostWords, fields, isHostLast } = rest;
      const same = needs.authority ?? authority;
      const hosts = { same: [same], other: [authority], none: [], twice: [same, authority] }[host] ?? [];
      const hostLines = hosts.map((name) => hostWords + name);
      // Mostly, CONNECT has no content.
      const [framing, content] = needs.method === 'CONNECT' && host === 'same' ? ['', ''] : body;
      const lines = [
        `${needs.method ?? method} ${where} ${version}`,
        ...(isHostLast ? [...fields, ...hostLines] : [...hostLines, ...fields]),
        ...(framing === '' ? [] : [framing]),
      ];
      return `${[...lines, '', ''].join('\r\n')}${content}`;
    });
}

/** What stands between two requests. */
const BETWEEN = mostly(
  ['', '', '', '', '', '', '', '\r\n'],
  ['\r\n\r\n', '\n', '\r', ' ', '\x00', '\r\n'.repeat(5), 'x', HIDDEN.slice(0, 10)],
  30,
);

/** Streams of one to four requests, most of them valid or nearly so, some of them tricks. */
export function anyClientStream({ asProxy, port }: Options): fc.Arbitrary<ClientStream> {
  const target = asProxy
    ? fc.oneof({ weight: 20, arbitrary: absoluteForm }, otherForm, originForm)
    : fc.oneof({ weight: 16, arbitrary: originForm }, { weight: 2, arbitrary: absoluteForm }, otherForm);
  const part = fc.oneof(
    { weight: 8, arbitrary: anyRequest(target) },
    fc.constantFrom(...trickTexts({ asProxy, port })),
  );
  return fc
    .tuple(fc.array(fc.tuple(part, BETWEEN), { minLength: 1, maxLength: 4 }), EDITS)
    .map(([parts, edits]) => {
      const whole = parts.map(([text, between], i) => (i === 0 ? text : between + text)).join('');
      const text = edits.reduce((edited, edit) => edit(edited), whole.replaceAll('PORT', `${port}`));
      return { asProxy, text, count: parts.length };
    });
}
