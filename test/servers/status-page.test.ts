import { once } from 'node:events';

import { expect, test } from 'vitest';

import { openInChromium } from '../helpers/chromium.ts';
import { clientHello } from '../helpers/client-hello.ts';
import { rawMessage, rawQuestion } from '../helpers/dns.ts';
import { startRelayTo, startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, tcpClient, udpSocket } from '../helpers/sockets.ts';

/** A door with its page open in a browser. */
async function shownDoor(environment: Readonly<Record<string, string>> = {}) {
  const admin = await closedPort();
  const door = await startRelayTo(await closedPort(), {
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    PRE_RESOLVE: '0',
    NAME_CHECK: 'enforce',
    ADMIN_PORT: String(admin),
    ...environment,
  });
  const origin = `http://localhost:${admin}`;
  const page = await openInChromium(`${origin}/`);
  const textOf = (id: string) => page.evaluate(`document.getElementById('${id}')?.textContent ?? ''`);
  return { ...door, page, textOf, origin };
}

async function write(to: { readonly port: number; readonly host: string }, bytes: string | Buffer) {
  const client = await tcpClient(to.port, to);
  client.write(bytes);
  await endOf(client.resume());
}

function askFor(port: number, name: string): Promise<void> {
  return write({ port, host: '127.0.0.1' }, `GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
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
      asked: { missing: evil, leftOut: [{ entries: [evil], problem: evil }], names: [{ name: evil, to: evil, port: evil, protocol: evil, times: evil, last: evil, outcomes: [outcome] }] } });
    window.shown = { leftOut: document.getElementById('left-out').textContent, text: document.body.textContent, images: document.images.length, scripts: document.scripts.length };
    const script = document.createElement('script');
    script.textContent = 'window.injected = 1';
    document.body.append(script);
  })()`);
  expect(await page.evaluate('window.shown')).toEqual({
    leftOut: expect.stringContaining('cannot be added to TARGET: <img') as string,
    text: expect.stringContaining('<img src=x onerror="window.hit=1">') as string,
    images: 0,
    scripts: 1,
  });
  expect(await page.evaluate("window.shown.text.includes('\\u202e')")).toBe(false);
  expect(await page.evaluate('[window.hit, window.injected].every((each) => each === undefined)')).toBe(true);
  await expect(page.evaluate("fetch('http://127.0.0.1:9/')")).rejects.toThrow('Failed to fetch');
});

test('hostile names that come by the wire are shown as text, whatever protocol brings them', async () => {
  const proxy = await closedPort();
  const host = `127.54.${process.pid % 250}.1`;
  const { port, relay, page, textOf } = await shownDoor({
    MODE: 'tcp http-proxy',
    LISTEN: String(proxy),
    DNS: '1',
    BIND: host,
  });
  // Neither a blank nor a slash, at which HTTP would cut it off.
  const tag = (by: string) => `<x-${by}>`;
  await write({ port, host }, clientHello({ names: [tag('tls')] }));
  await write({ port, host }, `GET http://${tag('http')}/ HTTP/1.1\r\nHost: ${tag('http')}\r\n\r\n`);
  await write({ port: proxy, host }, `CONNECT ${tag('connect')}:443 HTTP/1.1\r\n\r\n`);
  const asker = await udpSocket();
  asker.send(rawMessage({ flags: 0x0100, questions: [rawQuestion(tag('dns'))] }), 53, host);
  await once(asker, 'message');
  await expect.poll(() => relay.lines.filter(({ msg }) => msg === 'refused')).toHaveLength(4);
  const brought = ['tls', 'http', 'connect', 'dns'];
  for (const by of brought) await expect.poll(() => textOf('refusals')).toContain(tag(by));
  const made = `document.querySelectorAll('${brought.map((by) => `x-${by}`).join()}').length`;
  expect(await page.evaluate(made)).toBe(0);
});

test('while it is hidden, the page asks nothing; shown again, it does so at once', async () => {
  const { page, textOf } = await shownDoor();
  await expect.poll(() => textOf('ports')).toContain('/tcp');
  const hide = (isHidden: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'))`);
  await hide(true);
  const asked = page.requests.length;
  // Longer than the page's period.
  await page.evaluate('new Promise((done) => setTimeout(done, 2500))');
  expect(page.requests.length - asked).toBe(0);
  await hide(false);
  await expect.poll(() => page.requests.length).toBe(asked + 1);
});

test('the page is used by keyboard, without a clipboard, and narrow: its tables stay tables', async () => {
  const { port, page, textOf } = await shownDoor();
  await askFor(port, 'other.test');
  await expect.poll(() => textOf('target')).toContain('other.test');
  await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  const press = async (key: string, more: object = {}) => {
    await page.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: key, ...more });
    await page.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key });
  };
  for (let presses = 0; (await page.evaluate('document.activeElement.id')) !== 'copy'; presses++) {
    expect(presses).toBeLessThan(10);
    await press('Tab', { windowsVirtualKeyCode: 9 });
  }
  await press('Enter', { windowsVirtualKeyCode: 13, text: '\r' });
  await expect.poll(() => textOf('copied')).toBe('Selected: copy it by Ctrl-C.');
  expect(await page.evaluate('getSelection().toString()')).toBe(await textOf('target'));

  await page.send('Emulation.setDeviceMetricsOverride', {
    width: 380,
    height: 800,
    deviceScaleFactor: 1,
    mobile: true,
  });
  const { nodes } = (await page.send('Accessibility.getFullAXTree')) as {
    nodes: readonly {
      readonly role?: { readonly value: string };
      readonly name?: { readonly value: string };
    }[];
  };
  const named = (role: string) =>
    nodes.filter((node) => node.role?.value === role).map(({ name }) => name?.value);
  expect(named('table')).toEqual(['Ports', 'Names', 'Newest refusals', 'Names asked for']);
  expect(named('cell')).toContain('Name other.test');
  expect(named('columnheader')).toContain('Bytes a second');
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
