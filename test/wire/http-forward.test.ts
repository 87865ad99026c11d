import { METHODS } from 'node:http';

import { expect, test } from 'vitest';

import { forwardedFields } from '../../src/wire/http-forward.ts';
import { Refusal } from '../../src/wire/refusal.ts';

const asked = { name: 'api.test', port: null, authority: 'api.test', path: '/' };
const hop = ['Connection', 'keep-alive'];

/** What a request with these fields is sent on with, between Host and Connection. */
function forwarded(
  method: string,
  rawHeaders: readonly string[],
  { asProxy = true, httpVersion = '1.1' } = {},
) {
  const fields = forwardedFields({ method, url: '/', httpVersion, rawHeaders }, { asked, asProxy, hop });
  expect([fields.slice(0, 2), fields.slice(-2)]).toEqual([['Host', 'api.test'], hop]);
  return fields.slice(2, -2);
}

test('forwardedFields() says of every method that may have content how much there is', () => {
  const without = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'];
  expect(METHODS).toEqual(expect.arrayContaining([...without, 'MKCOL', 'PROPFIND', 'QUERY']));
  for (const method of METHODS) {
    expect(forwarded(method, ['Host', 'x'], { asProxy: false })).toEqual(
      without.includes(method) ? [] : ['Content-Length', '0'],
    );
    expect(forwarded(method, ['Content-Length', '3'], { asProxy: false })).toEqual(['Content-Length', '3']);
    expect(forwarded(method, ['Transfer-Encoding', 'chunked'], { asProxy: false })).toEqual([
      'Transfer-Encoding',
      'chunked',
    ]);
  }
});

test('forwardedFields() says in Via in which version a request came, as a proxy alone', () => {
  expect(forwarded('GET', ['Via', '1.1 a'])).toEqual(['Via', '1.1 a', 'Via', '1.1 sallyport']);
  expect(forwarded('GET', [], { httpVersion: '1.0' })).toEqual(['Via', '1.0 sallyport']);
  expect(forwarded('GET', [], { asProxy: false })).toEqual([]);
});

test.each(['TRACE', 'OPTIONS'])('forwardedFields() counts Max-Forwards of %s down, as a proxy', (method) => {
  const sent = (value: string, asProxy = true) => forwarded(method, ['max-forwards', value], { asProxy })[1];
  expect(sent('10')).toBe('9');
  expect(sent('1')).toBe('0');
  expect(sent('36893488147419103232')).toBe('36893488147419103231');
  expect(sent('x')).toBe('x');
  expect(sent('0', false)).toBe('0');
  expect(() => sent('0')).toThrow(Refusal);
  expect(() => sent('000')).toThrow(Refusal);
});

test('forwardedFields() leaves Max-Forwards of other methods alone', () => {
  expect(forwarded('GET', ['Max-Forwards', '0'])).toEqual(['Max-Forwards', '0', 'Via', '1.1 sallyport']);
});
