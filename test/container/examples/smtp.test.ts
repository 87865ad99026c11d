import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { notResolved } from '../../helpers/container-curl.ts';
import { bringUp, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';

describe.skipIf(noDocker)('examples/smtp', () => {
  let example: Composed;

  beforeAll(async () => {
    example = await bringUp('smtp', { built: ['app', 'door', 'demo-mail'] });
  });
  afterAll(() => example.down());

  const message = ['--from', 'app@example.com', '--to', 'box@example.com', '--body', 'through the door'];
  const send = () => example.exec('app', 'swaks', '--server', 'mail.example.com', ...message);
  const healthcheck = () => example.exec('door', 'healthcheck');

  test('has a message end in the mailbox of the one mail server', async () => {
    await expect.poll(send, { timeout: 20_000 }).toMatchObject({ code: 0 });
    const inbox = async () => (await example.exec('demo-mail', 'cat', '/var/mail/inbox')).stdout;
    await expect.poll(inbox, { timeout: 10_000 }).toMatch(/through the door/);
  });

  test('has no way to a mail server but the door', async () => {
    const direct = await example.exec('app', 'curl', '--silent', '--max-time', '2', 'smtp://demo-mail/');
    expect(direct).toMatchObject({ code: expect.toBeOneOf(notResolved) });
  });

  test('is healthy while the mail server answers', async () => {
    expect(await healthcheck()).toMatchObject({ code: 0 });
    await example.command('stop', '--timeout', '0', 'demo-mail');
    expect(await healthcheck()).toMatchObject({
      code: 1,
      output: expect.stringMatching(/smtp:\/\/demo-mail/),
    });
  });
});
