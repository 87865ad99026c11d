import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { notConnected, notResolved } from '../../helpers/container-curl.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

describe.skipIf(noDocker)('examples/staging', () => {
  let example: Composed;

  const odoo = (...command: string[]) => example.exec('odoo', ...command);
  const curl = (...args: string[]) => odoo('curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const send = (...server: string[]) =>
    odoo('swaks', ...server, '--from', 'shop@example.com', '--to', 'customer@customer.example');
  const query = () => odoo('psql', '--host=db', '--username=postgres', '-tA', '--command=SELECT 6 * 7');

  beforeAll(async () => {
    example = await bringUp('staging', { built: ['odoo', 'db', 'smtp', 'door', 'demo-pay'] });
    const isUp = async () =>
      (await query()).code === 0 && (await curl('https://pay.example.com/')).code === 0;
    await vi.waitUntil(isUp, { timeout: 40_000 });
  });
  afterAll(() => example.down());

  test('the application has its database and the payment API', async () => {
    expect(await query()).toMatchObject({ code: 0, stdout: '42\n' });
    expect((await curl('https://pay.example.com/')).stdout).toBe('demo-pay answers for pay.example.com\n');
  });

  test("a customer's mail ends in the catcher's mailbox", async () => {
    await expect
      .poll(() => send('--server', 'mail.example.com'), { timeout: 20_000 })
      .toMatchObject({ code: 0 });
    const inbox = async () => (await example.exec('smtp', 'cat', '/var/mail/inbox')).stdout;
    await expect.poll(inbox, { timeout: 10_000 }).toContain('To: customer@customer.example');
  });

  test('nothing leaves by another way, from the application or from the catcher', async () => {
    const code: unknown = expect.toBeOneOf([...notConnected, ...notResolved]);
    const outside = `http://${await example.address('demo-pay')}/`;
    const urls = ['smtp://mx.customer.example/', 'smtp://pay.example.com/', outside];
    for (const service of ['odoo', 'smtp'])
      for (const url of urls)
        expect(await example.exec(service, 'curl', '--silent', '--max-time', '2', url)).toMatchObject({
          code,
        });
  });
});
