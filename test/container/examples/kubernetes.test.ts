import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { bringUpFile, type Composed } from '../../helpers/docker-compose.ts';
import { noDocker } from '../../helpers/docker-engine.ts';
import { images } from '../../helpers/docker-names.ts';
import { ofKind, readManifests } from '../../helpers/kubernetes.ts';
import { repository } from '../../helpers/run.ts';

const manifests = readManifests(join(repository, 'examples/kubernetes/door.yaml'));
const address = ofKind(manifests, 'Service')[0]?.spec?.clusterIP ?? '';
const targets = ofKind(manifests, 'ConfigMap')[0]?.data?.['targets'] ?? '';
const pod = ofKind(manifests, 'Deployment')[0]?.spec?.template.spec;
const container = pod?.containers[0];

/** As the kubelet lays a ConfigMap out: the file is a link into a folder, and so is that folder's own name. */
async function layConfigMap(volume: string, data: string): Promise<void> {
  const version = `..${randomUUID()}`;
  await mkdir(join(volume, version));
  await writeFile(join(volume, version, 'targets'), data);
  await symlink(version, join(volume, '..data_tmp'));
  await rename(join(volume, '..data_tmp'), join(volume, '..data'));
}

/** What the manifests ask of a kubelet and of kube-proxy, asked of Docker: the door has the Service's own address. */
function composeFile(volume: string, resolvConf: string): object {
  const environment = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
  const sysctls = Object.fromEntries(
    (pod?.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]),
  );
  const [mount] = container?.volumeMounts ?? [];
  const standIn = { image: images.examplePeers, init: true };
  return {
    version: '2.4',
    services: {
      door: {
        image: images.sallyport,
        // The stand-ins are private, and Docker's DNS knows them.
        environment: { ...environment, TARGET_SCOPE: 'private', NAMESERVERS: 'system' },
        read_only: container?.securityContext?.readOnlyRootFilesystem,
        cap_drop: container?.securityContext?.capabilities?.drop,
        security_opt: ['no-new-privileges'],
        sysctls,
        volumes: [`${volume}:${mount?.mountPath}:ro`],
        networks: { inside: { ipv4_address: address }, outside: {} },
      },
      app: {
        ...standIn,
        command: 'sleep infinity',
        volumes: [`${resolvConf}:/etc/resolv.conf:ro`],
        networks: ['inside'],
      },
      kubelet: { ...standIn, command: 'sleep infinity', networks: ['outside'] },
      web: {
        ...standIn,
        command: 'nginx -g "daemon off;"',
        hostname: 'web',
        networks: {
          outside: { aliases: ['api.example.com', 'photos.s3.example.com', 'added.example.com'] },
        },
      },
    },
    networks: {
      inside: { internal: true, ipam: { config: [{ subnet: `${address.replace(/\.\d+$/, '.0')}/24` }] } },
      outside: {},
    },
  };
}

describe.skipIf(noDocker)('examples/kubernetes, its pod run by Docker', () => {
  let folder: string;
  let volume: string;
  let example: Composed;

  const curl = (service: 'app' | 'kubelet', ...args: string[]) =>
    example.exec(service, 'curl', '--silent', '--show-error', '--max-time', '5', ...args);
  const probe = async (path: string) => {
    const port = container?.ports?.find(({ name }) => name === 'admin')?.containerPort;
    const status = ['--output', '/dev/null', '--write-out', '%{http_code}'];
    return (await curl('kubelet', ...status, `http://door:${port}${path}`)).stdout;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-kubernetes-'));
    volume = join(folder, 'volume');
    await mkdir(volume);
    await layConfigMap(volume, targets);
    await symlink('..data/targets', join(volume, 'targets'));
    const resolvConf = join(folder, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${address}\n`);
    const file = join(folder, 'compose.json');
    await writeFile(file, JSON.stringify(composeFile(volume, resolvConf)));
    example = await bringUpFile('kubernetes', file, {
      services: { app: {}, door: {}, kubelet: {}, web: {} },
    });
    await vi.waitUntil(async () => (await probe(container?.startupProbe?.httpGet?.path ?? '')) === '200', {
      timeout: 20_000,
    });
  });
  afterAll(async () => {
    await example.down();
    await rm(folder, { recursive: true });
  });

  test('answers the probes', async () => {
    expect(await probe(container?.readinessProbe?.httpGet?.path ?? '')).toBe('200');
    expect(await probe(container?.livenessProbe?.httpGet?.path ?? '')).toBe('200');
  });

  test("leads the app to the names of the ConfigMap, by the Service's address, and to no other", async () => {
    const { stdout } = await curl('app', 'https://api.example.com/', 'https://photos.s3.example.com/');
    expect(stdout).toBe('web answers for api.example.com\nweb answers for photos.s3.example.com\n');
    const { stdout: found } = await example.exec('app', 'getent', 'hosts', 'api.example.com');
    expect(found).toContain(address);
    expect(await curl('app', 'https://added.example.com/')).toMatchObject({ code: 6 });
  });

  test('takes a changed ConfigMap over without a restart', async () => {
    await layConfigMap(volume, `${targets}added.example.com\n`);
    const reached = async () => (await curl('app', 'https://added.example.com/')).stdout;
    await expect.poll(reached, { timeout: 30_000 }).toBe('web answers for added.example.com\n');
  });
});
