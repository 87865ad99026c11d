import { Wait } from 'testcontainers';

import { JoinedContainer } from './container-joined.ts';
import { images } from './docker-names.ts';

function peer(command: string[], ready: string): JoinedContainer {
  return new JoinedContainer(images.peers)
    .withCommand(command)
    .withWaitStrategy(Wait.forSuccessfulCommand(ready))
    .withStartupTimeout(20_000);
}

const file = (target: string, lines: string[]) => [{ target, content: `${lines.join('\n')}\n` }];

/** A container with clients in it (curl, dig, redis-cli, openssl), to run commands in. */
export const app = () => peer(['sleep', 'infinity'], 'true');

/** An HTTP server that answers `text`, and with a certificate an HTTPS server as well. */
export function nginx(text: string, tls?: { certificate: string; key: string }): JoinedContainer {
  const secure = [
    'listen 443 ssl;',
    'ssl_certificate /etc/nginx/cert.pem;',
    'ssl_certificate_key /etc/nginx/key.pem;',
  ];
  const conf = [
    'events {}',
    'http { server {',
    'listen 80;',
    ...(tls === undefined ? [] : secure),
    `location / { default_type text/plain; return 200 '${text}'; }`,
    '} }',
  ];
  return peer(['nginx', '-g', 'daemon off;'], 'nc -z 127.0.0.1 80')
    .withCopyContentToContainer(file('/etc/nginx/nginx.conf', conf))
    .withCopyContentToContainer(file('/etc/nginx/cert.pem', [tls?.certificate ?? '']))
    .withCopyContentToContainer(file('/etc/nginx/key.pem', [tls?.key ?? '']));
}

/** A name server that knows these names only. */
export function dnsmasq(addresses: Record<string, string>): JoinedContainer {
  const records = Object.entries(addresses).map(([name, address]) => `--address=/${name}/${address}`);
  const command = ['dnsmasq', '--keep-in-foreground', '--no-resolv', '--no-hosts', '--user=root', ...records];
  return peer(command, 'nc -z 127.0.0.1 53');
}

/** A second kind of name server, as something to relay datagrams to. */
export function unbound(addresses: Record<string, string>): JoinedContainer {
  const conf = [
    'server:',
    'interface: 0.0.0.0',
    'access-control: 0.0.0.0/0 allow',
    'chroot: ""',
    'use-syslog: no',
    'username: ""',
    'module-config: "iterator"',
    ...Object.entries(addresses).map(([name, address]) => `local-data: "${name}. A ${address}"`),
  ];
  return peer(
    ['unbound', '-d', '-c', '/etc/unbound/test.conf'],
    'nc -z 127.0.0.1 53',
  ).withCopyContentToContainer(file('/etc/unbound/test.conf', conf));
}

/** Ubuntu's resolver, on 127.0.0.53 alone, which asks one name server. */
export function systemdResolved(nameserver: string, settings: string[]): JoinedContainer {
  const conf = ['[Resolve]', `DNS=${nameserver}`, 'FallbackDNS=', ...settings];
  return peer(
    ['/lib/systemd/systemd-resolved'],
    'dig @127.0.0.53 localhost | grep NOERROR',
  ).withCopyContentToContainer(file('/etc/systemd/resolved.conf', conf));
}

export const redis = () =>
  peer(['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''], 'redis-cli ping');
