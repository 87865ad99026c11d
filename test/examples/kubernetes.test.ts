import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Deployment } from 'kubernetes-models/apps/v1';
import { describe, expect, test } from 'vitest';

import { ofKind, problemsOf, readManifests } from '../helpers/kubernetes.ts';

const FOLDER = join(import.meta.dirname, '../../examples/kubernetes');
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const manifests = files.flatMap((file) => readManifests(join(FOLDER, file)));

const policies = ofKind(manifests, 'NetworkPolicy');
const [service] = ofKind(manifests, 'Service');
const deployment = (name: string) =>
  ofKind(manifests, 'Deployment').find(({ metadata }) => metadata?.name === name)?.spec?.template.spec;
const door = deployment('door')?.containers[0];

describe('examples/kubernetes', () => {
  test.each(files)('%s is as the published schemas have it', (file) => {
    const read = readManifests(join(FOLDER, file));
    expect(read).not.toEqual([]);
    expect(read.flatMap(problemsOf)).toEqual([]);
  });

  test('a field that is mistyped, wrong or unknown is seen', () => {
    const spec = {
      selector: {},
      replicas: 'two',
      template: { spec: { containers: [{ name: 'a', imge: 'b' }] } },
    };
    expect(problemsOf({ apiVersion: 'apps/v1', kind: 'Deployment', spec } as unknown as Deployment)).toEqual([
      '/spec/replicas: type',
      '/spec/template/spec/containers/0/imge: unknown',
    ]);
  });

  test("the Service's address is what the door answers with, and the app's only nameserver", () => {
    const address = service?.spec?.clusterIP;
    expect(address).toMatch(/^10\./);
    expect(door?.env).toContainEqual({ name: 'DNS_ANSWER', value: address });
    expect(deployment('app')).toMatchObject({ dnsPolicy: 'None', dnsConfig: { nameservers: [address] } });
  });

  test('the app may reach what the Service has, and not the port of the page and the probes', () => {
    const served = service?.spec?.ports?.map(({ targetPort }) => targetPort);
    const policy = policies.find(({ metadata }) => metadata?.name === 'door');
    expect(policy?.spec?.ingress?.map(({ ports }) => ports?.map(({ port }) => port))).toEqual([served]);
    const named = door?.ports?.map(({ name }) => name);
    expect(named).toEqual([...(served ?? []), 'admin']);
    expect(door?.startupProbe?.httpGet?.port).toBe('admin');
  });

  test('of all pods the door alone may send to anybody but the door', () => {
    const toDoor = [{ podSelector: { matchLabels: { app: 'door' } } }];
    const out = policies.map(({ spec }) => ({
      of: spec?.podSelector,
      to: spec?.egress?.map(({ to }) => to),
    }));
    expect(out).toEqual([
      { of: {}, to: [toDoor] },
      { of: { matchLabels: { app: 'door' } }, to: [undefined] },
    ]);
    const namespaces = manifests.map(({ metadata }) => metadata?.namespace ?? metadata?.name);
    expect(new Set(namespaces)).toEqual(new Set(['walled']));
  });
});
