import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test, vi } from 'vitest';

import { startDaemon } from '../helpers/daemon.ts';
import { noDocker } from '../helpers/docker-engine.ts';
import { images } from '../helpers/docker-names.ts';
import { docker } from '../helpers/docker.ts';
import { repository, run } from '../helpers/run.ts';

/** What Podman needs in a container itself: no systemd, no cgroups of its own, no higher limits than it has. */
const LIMITS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n';
const OPTIONS = '--runtime runc --cgroup-manager=cgroupfs --events-backend=file --storage-driver vfs';
const SET_UP = `
  set -e
  ip link set lo up
  mkdir -p /run/containers
  mount -t tmpfs tmpfs /run/containers
  echo is set up
  exec sleep infinity
`;

const IDLE = 'setInterval(() => {}, 1e9)';
const WEB =
  "http.createServer((request, answer) => answer.end('hello from ' + request.headers.host)).listen(443)";
const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then((r) => r.text()).then(console.log)`;
const ASK = `const r = new dns.promises.Resolver({ timeout: 1000, tries: 1 }); r.setServers([process.argv[1]]); r.resolve4('api.example.com').then(console.log)`;

/** Podman with a store and a network of its own; all gone with the test. */
async function openPodman(): Promise<(script: string) => ReturnType<typeof run>> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-podman-'));
  const conf = join(folder, 'containers.conf');
  await writeFile(conf, LIMITS);
  // A network of its own: beside Docker's rules for forwarding, containers of Podman do not reach each other.
  const { pid } = await startDaemon('unshare', ['--net', '--mount', 'sh', '-c', SET_UP], {
    ready: 'is set up',
  });
  const folders = ['root', 'runroot', 'network-config-dir'].map((name) => `--${name} ${folder}/${name}`);
  const options = [OPTIONS, ...folders].join(' ');
  const podman = (script: string) =>
    run(
      'nsenter',
      [
        '--target',
        `${pid}`,
        '--net',
        '--mount',
        'sh',
        '-ec',
        `podman() { command podman ${options} "$@"; }\n${script}`,
      ],
      { env: { ...process.env, CONTAINERS_CONF: conf } },
    );
  onTestFinished(async () => {
    await podman('podman rm --all --force --time 0');
    await rm(folder, { recursive: true });
  });
  return podman;
}

test.skipIf(noDocker)(
  "examples/podman: the README's commands leave the app the door alone",
  { timeout: 180_000 },
  async () => {
    const podman = await openPodman();
    const node = (name: string, code: string, ...args: string[]) =>
      podman(`podman exec ${name} node -e "${code}" ${args.join(' ')}`);

    const archive = join(await mkdtemp(join(tmpdir(), 'sallyport-image-')), 'image.tar');
    onTestFinished(() => rm(join(archive, '..'), { recursive: true }));
    await docker('save', '--output', archive, images.sallyport);
    const image = `localhost/${images.sallyport}`;
    expect(await podman(`podman load --input ${archive}`)).toMatchObject({ code: 0 });

    const readme = await readFile(join(repository, 'examples/podman/README.md'), 'utf8');
    const commands = readme.match(/^ {4}podman (?:network create|run) .*/gm) ?? [];
    expect(commands).toHaveLength(4);
    const ready = commands
      .join('\n')
      .replaceAll(/localhost\/sallyport$/gm, image)
      .replace('your/app', `--entrypoint node ${image} -e "${IDLE}"`);
    expect(await podman(ready)).toMatchObject({ code: 0 });
    const sysctl = '--sysctl net.ipv4.ip_unprivileged_port_start=0';
    const web = `--network outside:alias=api.example.com ${sysctl} --entrypoint node ${image} -e "${WEB}"`;
    expect(await podman(`podman run --detach --name web ${web}`)).toMatchObject({ code: 0 });

    const reached = async () => (await node('app', FETCH, 'http://api.example.com:443/')).stdout;
    await vi.waitUntil(async () => (await reached()) !== '', { timeout: 20_000 });
    expect(await reached()).toBe('hello from api.example.com:443\n');
    expect((await podman('podman exec door healthcheck')).stdout).toBe('healthy\n');
    expect(await podman('podman healthcheck run door')).toMatchObject({ code: 0 });

    const other = await node('app', FETCH, 'http://other.example.com:443/');
    expect(other).toMatchObject({ code: 1, output: expect.stringMatching(/ENOTFOUND other\.example\.com/) });
    const inspected = await podman(
      "podman inspect web --format '{{.NetworkSettings.Networks.outside.IPAddress}}'",
    );
    const direct = await node('app', FETCH, `http://${inspected.stdout.trim()}:443/`);
    expect(direct).toMatchObject({ code: 1, output: expect.stringMatching(/ENETUNREACH/) });
    // The host, and Podman's own nameserver, would be at the network's first address; the door answers at its own.
    expect(await node('app', ASK, '10.53.5.53')).toMatchObject({ code: 0, stdout: "[ '10.53.5.53' ]\n" });
    expect(await node('app', ASK, '10.53.5.1')).toMatchObject({ code: 1 });
    expect((await podman('ip -4 address show')).stdout).not.toContain('10.53.5.');

    const away = readme.match(/^ {4}podman (?:rm|network rm) .*/gm) ?? [];
    expect(await podman(['podman rm --force --time 0 web', ...away].join('\n'))).toMatchObject({ code: 0 });
    expect((await podman('podman ps --all --quiet; podman network ls --quiet')).stdout).toBe('podman\n');
  },
);
