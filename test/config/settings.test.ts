import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

/** What is shown of one variable. */
function settingOf(name: string, environment: Record<string, string>) {
  return parseConfig({ TARGET: 'api.example.com', ...environment }).settings.find(
    (setting) => setting.name === name,
  );
}

test.each([
  ['TARGET', { TARGET: ' api.example.com ' }, 'api.example.com', false],
  ['PORT', {}, '80 443', true],
  ['PORT', { PORT: ' ' }, '80 443', true],
  ['PORT', { PORT: '80 443' }, '80 443', false],
  ['MODE', { MODE: 'TCP' }, 'TCP', false],
  ['HTTP_HEALTHCHECK_URL', {}, 'http://$TARGET/', true],
  ['HTTP_HEALTHCHECK_URL', { PORT: '443' }, 'https://$TARGET/', true],
  ['NAME_CHECK', {}, 'off', true],
  ['NAME_CHECK', { TARGET: 'a.test b.test', PORT: '443' }, 'enforce', true],
  ['NAME_CHECK', { MODE: 'http-proxy' }, 'enforce', true],
  ['NAME_CHECK', { NAME_CHECK: 'report' }, 'report', false],
  ['SALLYPORT_RUN_DIR', {}, null, true],
  ['ADMIN_PORT', {}, null, true],
  ['ADMIN_HOST', {}, '127.0.0.1', true],
])('parseConfig() shows %s of %j as %j, default: %j', (name, environment, text, isDefault) => {
  expect(settingOf(name, environment)).toEqual({ name, text, isDefault });
});

test.each([
  ['https://api.example.com/a@b?x', 'https://api.example.com/a@b?x'],
  ['https://$TARGET/a@b', 'https://$TARGET/a@b'],
  ['https://${TARGET}/a@b', 'https://${TARGET}/a@b'],
  ['https://user:word@$TARGET/', 'https://***@$TARGET/'],
  ['https://token@$TARGET/', 'https://***@$TARGET/'],
  ['https://user:w@rd@$TARGET/', 'https://***@$TARGET/'],
  ['https://$TARGET/?key=word&x=y#top', 'https://$TARGET/?key=***&x=***#top'],
  ['https://$TARGET/ https://u:word@$TARGET/b', 'https://$TARGET/ https://***@$TARGET/b'],
  ['https://u:word@$TARGET/,https://v:word@$TARGET/b', 'https://***@$TARGET/,https://***@$TARGET/b'],
  ['https://u:word@$TARGET/ , HTTPS://v:word@$TARGET/b', 'https://***@$TARGET/ , HTTPS://***@$TARGET/b'],
  ['https://u:word@$TARGET/,htps://v:word@$TARGET/b', 'https://***@$TARGET/,htps://***@$TARGET/b'],
  // As the URL standard reads them.
  ['https:/user:word@$TARGET/', 'https:/***@$TARGET/'],
  ['https:user:word@$TARGET/', 'https:***@$TARGET/'],
  ['https:\\\\user:word@$TARGET/', 'https:\\\\***@$TARGET/'],
])('parseConfig() shows the probe URL %s as %s', (HTTP_HEALTHCHECK_URL, shown) => {
  expect(settingOf('HTTP_HEALTHCHECK_URL', { HTTP_HEALTHCHECK_URL })?.text).toBe(shown);
});

test.each([
  ['smtp://user:word@$TARGET/', 'smtp://***@$TARGET/'],
  ['smtp://user:my word@$TARGET/', 'smtp://***@$TARGET/'],
  ['smtp://user:w\\ord@$TARGET/', 'smtp://***@$TARGET/'],
])('parseConfig() shows the probe URL %s as %s', (SMTP_HEALTHCHECK_URL, shown) => {
  expect(settingOf('SMTP_HEALTHCHECK_URL', { SMTP_HEALTHCHECK_URL })?.text).toBe(shown);
});

test.each([
  ['AUTH PLAIN AHdvcmQ=', 'AUTH PLAIN ***'],
  ['auth login dXNlcg==', 'auth login ***'],
  ['AUTH PLAIN', 'AUTH PLAIN'],
  ['VRFY postmaster', 'VRFY postmaster'],
])('parseConfig() shows the command %s as %s', (SMTP_HEALTHCHECK_COMMAND, shown) => {
  expect(settingOf('SMTP_HEALTHCHECK_COMMAND', { SMTP_HEALTHCHECK_COMMAND })?.text).toBe(shown);
});

test.each([
  'https://user:word@api.example.com:x/',
  'https://user:wo/rd@api.example.com/',
  'https://user:wo?rd@api.example.com/',
  'https://user:wo rd@api.example.com/',
  'https:///user:word@api.example.com/',
  'https://user:rd@other.example:9/?key=word',
  'gopher://user:word@$TARGET/',
  'https://v:word@api.example.com/,https://user:word@api.example.com:x/',
])('parseConfig() shows no password when it refuses %s', (HTTP_HEALTHCHECK_URL) => {
  const [problem = '', ...others] = problemsOf({
    TARGET: 'api.example.com',
    HTTP_HEALTHCHECK: '1',
    HTTP_HEALTHCHECK_URL,
  });
  expect(others).toEqual([]);
  expect(problem).toMatch(/^HTTP_HEALTHCHECK_URL="[^"]*\/\/\*\*\*@/);
  expect(problem).not.toMatch(/word|rd@/);
});
