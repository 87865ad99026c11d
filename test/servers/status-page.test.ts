import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { decode, encode } from 'dns-packet';
import { expect, test } from 'vitest';

import { openInChromium } from '../helpers/chromium.ts';
import { clientHello } from '../helpers/client-hello.ts';
import { startRelayTo, startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, tcpClient } from '../helpers/sockets.ts';

/** A door with its page open in a browser. */
async function shownDoor() {
  const admin = await closedPort();
  const { relay, port, environment } = await startRelayTo(await closedPort(), {
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    PRE_RESOLVE: '0',
    NAME_CHECK: 'enforce',
    ADMIN_PORT: String(admin),
  });
  const origin = `http://localhost:${admin}`;
  const page = await openInChromium(`${origin}/`);
  const textOf = (id: string) => page.evaluate(`document.getElementById('${id}')?.textContent ?? ''`);
  return { relay, port, environment, page, textOf, origin };
}

async function askFor(port: number, host: string): Promise<void> {
  const client = await tcpClient(port);
  client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await endOf(client.resume());
}

test('the page shows ports and refusals, updates itself, asks nobody else, and copies what TARGET lacks', async () => {
  const { port, page, textOf, origin } = await shownDoor();
  await expect.poll(() => textOf('ports')).toContain(`${port}/tcp`);
  expect(await textOf('refusals')).toBe('Nobody was refused.');
  await askFor(port, 'other.test');
  await expect.poll(() => textOf('refusals')).toContain('other.test');
  expect(await textOf('asked')).toContain('other.test');
  await page.send('Browser.grantPermissions', {
    origin,
    permissions: ['clipboardReadWrite', 'clipboardSanitizedWrite'],
  });
  await page.send('Page.bringToFront');
  await page.evaluate("document.getElementById('copy').click()");
  await expect.poll(() => textOf('copied')).toBe('Copied.');
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(await textOf('target'));
  expect(await textOf('target')).toContain('other.test');
  const elsewhere = page.requests.filter((url) => !url.startsWith(origin) && !url.startsWith('data:'));
  expect(elsewhere).toEqual([]);
});

test('hostile text in every field is shown as text, and the policy blocks scripts', async () => {
  const { page, textOf } = await shownDoor();
  await expect.poll(() => textOf('ports')).toContain('/tcp');
  // Every string that the door could tell, turned into markup; and shown by the page's own code.
  await page.evaluate(`(async () => {
    const evil = '<img src=x onerror="window.hit=1"><script>window.hit=1</scr' + 'ipt>\\u202e';
    const told = await (await fetch('/status.json')).json();
    const outcome = { decision: evil, rule: evil, times: 1 };
    show({ ...told, version: evil, mode: evil, loops: [evil], targetFile: { problem: evil },
      blackout: { state: evil },
      names: [{ name: evil, addresses: [evil], age: evil, problem: evil }],
      ports: [{ port: evil, protocol: evil, live: evil, waiting: evil, limit: evil, refused: evil, lastFailure: evil }],
      refusals: [{ at: evil, port: evil, protocol: evil, client: evil, name: evil, rule: evil, decision: evil, count: evil }],
      asked: { missing: evil, names: [{ name: evil, to: evil, port: evil, protocol: evil, times: evil, last: evil, outcomes: [outcome] }] } });
    window.shown = { text: document.body.textContent, images: document.images.length, scripts: document.scripts.length };
    const script = document.createElement('script');
    script.textContent = 'window.injected = 1';
    document.body.append(script);
  })()`);
  expect(await page.evaluate('window.shown')).toEqual({
    text: expect.stringContaining('<img src=x onerror="window.hit=1">') as string,
    images: 0,
    scripts: 1,
  });
  expect(await page.evaluate("window.shown.text.includes('\\u202e')")).toBe(false);
  expect(await page.evaluate('[window.hit, window.injected].every((each) => each === undefined)')).toBe(true);
  await expect(page.evaluate("fetch('http://127.0.0.1:9/')")).rejects.toThrow('Failed to fetch');
});

test('the page is dark where that is preferred, and tells that the door is gone, and started anew', async () => {
  const { relay, environment, page, textOf } = await shownDoor();
  const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
  await expect.poll(() => textOf('ports')).toContain('/tcp');
  const light = await ground();
  await page.send('Emulation.setEmulatedMedia', {
    features: [{ name: 'prefers-color-scheme', value: 'dark' }],
  });
  expect(await ground()).not.toBe(light);
  relay.process.kill('SIGKILL');
  await relay.ended;
  await expect.poll(() => textOf('notice')).toContain('The door does not answer');
  await startSallyport(environment).line('listening');
  await expect.poll(() => textOf('notice')).toContain('started anew');
});
