import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../examples/podman');
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8');

/** Podman's options by the key that stands for them in a quadlet, see podman-systemd.unit(5). */
const OPTIONS: Readonly<Record<string, string>> = {
  ContainerName: 'name',
  DNS: 'dns',
  DisableDNS: 'disable-dns',
  DropCapability: 'cap-drop',
  Environment: 'env',
  IPRange: 'ip-range',
  Internal: 'internal',
  Network: 'network',
  ReadOnly: 'read-only',
  Subnet: 'subnet',
  Sysctl: 'sysctl',
};

/** A quadlet's keys as options, and the name or image at the end. */
function fromQuadlet(file: string): readonly string[] {
  const lines =
    read(file)
      .split(/^\[(?:Container|Network)\]$/m)[1]
      ?.split(/^\[/m)[0]
      ?.split('\n') ?? [];
  return lines
    .filter((line) => /^[^#]/.test(line))
    .flatMap((line) => {
      const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (key === 'Image' || key === 'NetworkName') return [value.replace(':latest', '')];
      if (key === 'NoNewPrivileges') return ['--security-opt no-new-privileges'];
      if (key === 'HealthOnFailure') return [];
      if (value === 'true') return [`--${OPTIONS[key]}`];
      return value.split(' ').map((each) => `--${OPTIONS[key]} ${each.replace('.network', '')}`);
    });
}

const commands = [...read('README.md').matchAll(/^ {4}podman (?:run --detach|network create) (.*)$/gm)];

test.each(['inside.network', 'outside.network', 'door.container', 'app.container'])(
  '%s says what the command in the README says',
  (file) => {
    const quadlet = fromQuadlet(file);
    expect(quadlet).not.toEqual([]);
    const words = quadlet.flatMap((option) => option.split(' ')).toSorted();
    const written = commands.map(([, command = '']) => command.split(' ').toSorted());
    expect(written).toContainEqual(words);
  },
);

test('there is a quadlet for each command', () => {
  expect(commands).toHaveLength(4);
});
