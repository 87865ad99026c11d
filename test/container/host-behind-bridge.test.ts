import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';

import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { app, nginx } from '../helpers/container-peers.ts';
import { relay } from '../helpers/container-relay.ts';
import { openWorld, type World } from '../helpers/container-world.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { docker } from '../helpers/docker.ts';

const ALIAS = 'api.example.com';
/**
 * Sends frames as whoever has CAP_NET_RAW can make them: who has the bridge's address (ARP), a SYN to another address of the host by the bridge's MAC address,
 * and who has the door's address. Says which were answered before the last was.
 */
const frames = `
  use strict; use Socket; alarm 20;
  my ($bridge, $gateway, $host, $port, $own, $door) = @ARGV;
  socket(my $link, 17, 3, 0x0300) or die "socket: $!";
  sub text { local @ARGV = shift; my $line = <>; chomp $line; $line }
  my $mac = text('/sys/class/net/eth0/address');
  my $place = pack('SnlSCCa8', 17, 3, text('/sys/class/net/eth0/ifindex'), 0, 0, 0, '');
  bind($link, $place) or die "bind: $!";
  sub hex6 { pack('H12', join('', split(/:/, shift))) }
  sub put { send($link, shift, 0) or die "send: $!" }
  sub ask { put(("\\xff" x 6).hex6($mac).pack('nnnCCn', 0x806, 1, 0x800, 6, 4, 1).hex6($mac).inet_aton($own).("\\0" x 6).inet_aton(shift)) }
  sub sum { my $sum = 0; $sum += $_ for unpack('n*', shift); $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16; ~$sum & 0xffff }
  my $tcp = pack('nnNNCCnnn', 40001, $port, 1, 0, 0x50, 2, 1024, 0, 0);
  substr($tcp, 16, 2) = pack('n', sum(inet_aton($own).inet_aton($host).pack('nn', 6, length $tcp).$tcp));
  my $ip = pack('CCnnnCCna4a4', 0x45, 0, 20 + length $tcp, 1, 0, 64, 6, 0, inet_aton($own), inet_aton($host));
  substr($ip, 10, 2) = pack('n', sum($ip));
  ask($gateway);
  put(hex6($bridge).hex6($mac).pack('n', 0x800).$ip.$tcp);
  ask($door);
  while (1) {
    recv($link, my $frame, 2000, 0);
    my ($type, $to) = (unpack('n', substr($frame, 12, 2)), substr($frame, 0, 6));
    next if $to ne hex6($mac);
    if ($type == 0x806 && unpack('n', substr($frame, 20, 2)) == 2) {
      my $whose = inet_ntoa(substr($frame, 28, 4));
      print "ARP\\n" if $whose eq $gateway;
      last if $whose eq $door;
    }
    print "SYN-ACK\\n" if $type == 0x800 && substr($frame, 26, 4) eq inet_aton($host) && unpack('C', substr($frame, 47, 1)) == 0x12;
  }
`;

const inhibited = { Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' } };

describe.skipIf(noDocker).each([
  ['as engines make it', {}, true],
  ['with inhibit_ipv4', inhibited, false],
])('on an internal network %s', (_how, options, isOpen) => {
  let world: World;
  let client: StartedTestContainer;
  let door: StartedTestContainer;
  /** The address of the bridge, or where it would be. */
  let gateway: string;
  const host = createServer((socket) => socket.end('the host'));

  beforeAll(async () => {
    world = await openWorld(options);
    await new Promise<void>((resolve) => host.listen(0, '0.0.0.0', resolve));
    client = await world.start(app(), { inside: [] });
    const target = await world.start(nginx('the target'), { outside: [] });
    door = await world.start(relay({ TARGET: world.outsideAddress(target), PORT: '80' }), {
      inside: [ALIAS],
      outside: [],
    });
    gateway = world.insideAddress(client).replace(/\d+$/, '1');
  });
  afterAll(async () => {
    host.close();
    await world.close();
  });

  const curl = (url: string) => client.exec(['curl', '--silent', '--http0.9', '--max-time', '5', url]);
  const port = () => (host.address() as AddressInfo).port;
  /** That of the engine's own bridge: an engine that has never been started before tells no gateway of it, and gives it the first address. */
  const otherAddress = async () => {
    const subnet = await docker(
      'network',
      'inspect',
      '--format',
      '{{(index .IPAM.Config 0).Subnet}}',
      'bridge',
    );
    return subnet.replace(/\d+\/\d+$/, '1');
  };

  test('the app reaches the door by its alias', async () => {
    expect(await curl(`http://${ALIAS}/`)).toMatchObject({ exitCode: 0, stdout: 'the target' });
  });

  test(`the host ${isOpen ? 'can' : 'cannot'} be reached at the bridge's address and at another of its own`, async () => {
    const heard: string[] = [];
    for (const address of [gateway, await otherAddress()])
      heard.push((await curl(`http://${address}:${port()}/`)).stdout);
    expect(heard).toEqual(isOpen ? ['the host', 'the host'] : ['', '']);
  });

  test(`the host ${isOpen ? 'answers' : 'does not answer'} frames that the app has made`, async () => {
    const id = await docker('network', 'inspect', '--format', '{{.Id}}', world.inside);
    const bridge = readFileSync(`/sys/class/net/br-${id.slice(0, 12)}/address`, 'latin1').trim();
    const own = world.insideAddress(client);
    const asked = [bridge, gateway, await otherAddress(), `${port()}`, own, world.insideAddress(door)];
    const { exitCode, output } = await client.exec(['perl', '-e', frames, ...asked]);
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: isOpen ? 'ARP\nSYN-ACK\n' : '' });
  });

  test(`check ${isOpen ? 'warns' : 'says nothing'} of it`, async () => {
    const { output } = await door.exec(['sallyport', 'check']);
    expect(output.match(/the host answers at \S+/g)).toEqual(
      isOpen ? [`the host answers at ${gateway}`] : null,
    );
  });
});

describe.skipIf(noDocker)('on an internal network whose first address a container has', () => {
  let world: World;

  beforeAll(async () => {
    const subnet = `10.84.${process.pid % 256}`;
    const Config = [{ Subnet: `${subnet}.0/24`, Gateway: `${subnet}.254` }];
    world = await openWorld({ IPAM: { Driver: 'default', Config } });
  });
  afterAll(() => world.close());

  test('check says nothing of it', async () => {
    const client = await world.start(app(), { inside: [] });
    expect(world.insideAddress(client)).toMatch(/\.1$/);
    const door = await world.start(relay({ TARGET: '192.0.2.1', PORT: '80' }), { inside: [], outside: [] });
    expect((await door.exec(['sallyport', 'check'])).output).not.toContain('the host answers');
  });
});
