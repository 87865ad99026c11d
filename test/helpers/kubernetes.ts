import { readFileSync } from 'node:fs';

import { validate as isDeployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment';
import { validate as isConfigMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap';
import { validate as isNamespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace';
import { validate as isService } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service';
import { validate as isNetworkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy';
import type { Deployment } from 'kubernetes-models/apps/v1';
import type { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { ConfigMap, Namespace, Service } from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';

interface Kinds {
  Namespace: Namespace;
  ConfigMap: ConfigMap;
  Deployment: Deployment;
  Service: Service;
  NetworkPolicy: NetworkPolicy;
}

type Manifest = Kinds[keyof Kinds];

/** Judges by the OpenAPI schema that Kubernetes publishes; what it found is left on the function itself. */
type Judge = ((data: unknown) => boolean) & {
  readonly errors?: readonly { readonly instancePath: string; readonly keyword: string }[] | null;
};

const JUDGES: Readonly<Record<keyof Kinds, Judge>> = {
  Namespace: isNamespace,
  ConfigMap: isConfigMap,
  Deployment: isDeployment,
  Service: isService,
  NetworkPolicy: isNetworkPolicy,
};

/** All manifests in a file. */
export function readManifests(path: string): readonly Manifest[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as Manifest);
}

/** Those of one kind. */
export function ofKind<Kind extends keyof Kinds>(
  manifests: readonly Manifest[],
  kind: Kind,
): readonly Kinds[Kind][] {
  return manifests.filter((manifest): manifest is Kinds[Kind] => manifest.kind === kind);
}

/** What the schema has against a manifest: fields that are wrong or missing, and fields that it does not know. */
export function problemsOf(manifest: Manifest): readonly string[] {
  const judge = JUDGES[manifest.kind];
  if (judge === undefined) return [`kind ${String((manifest as { kind: unknown }).kind)}`];
  const read = new Set<string>();
  judge(watched(manifest, '', read));
  const wrong = (judge.errors ?? []).map(({ instancePath, keyword }) => `${instancePath}: ${keyword}`);
  const unknown = pathsOf(manifest, '').filter((path) => !read.has(path));
  return [...wrong, ...unknown.map((path) => `${path}: unknown`)];
}

/** Notes each field that is read. The schemas allow more fields than they know, but only those they know are read. */
function watched(value: unknown, path: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const field = `${path}/${String(key)}`;
      read.add(field);
      return watched(Reflect.get(target, key), field, read);
    },
  });
}

function pathsOf(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => [
    `${path}/${key}`,
    ...pathsOf(field, `${path}/${key}`),
  ]);
}
