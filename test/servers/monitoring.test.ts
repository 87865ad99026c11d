import { renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { say, webServer } from '../helpers/http-relay.ts';
import { ask } from '../helpers/metrics.ts';
import {
  alerts,
  DIRECTORY,
  filledIn,
  groupingOf,
  inputSeries,
  queries,
  rules,
  selectorsOf,
} from '../helpers/monitoring-example.ts';
import { runSallyport, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { startPrometheus } from '../helpers/prometheus.ts';
import { run } from '../helpers/run.ts';
import { closedPort, errorOf, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

const get = (host: string, path = '/') =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

/** A door with one slot a port, and how to give it one kind of trouble after another. */
async function openDoor() {
  const web = await webServer((_request, response) => response.end('found'));
  const { port: mute } = await tcpServer((socket) =>
    socket.on('data', (text) => void (text.includes('/hang-up') && socket.end())),
  );
  const logs = await udpSocket();
  const nameserver = await scriptedServer(
    zone(['api.test', 'mute.test', 'dead.test', 'logs.test'].map((name) => a(name, '127.0.0.1'))),
  );
  const ports = {
    admin: await closedPort(),
    web: await closedPort(),
    mute: await closedPort(),
    dead: await closedPort(),
    gone: await closedPort(),
    logs: await closedPort(),
  };
  const file = join(temporaryDirectory(), 'targets');
  const list = (entries: readonly string[]) => {
    writeFileSync(`${file}.new`, entries.join('\n'));
    renameSync(`${file}.new`, file);
  };
  list([
    `api.test:${ports.web}:${web}`,
    `mute.test:${ports.mute}:${mute}`,
    `dead.test:${ports.dead}:${await closedPort()}`,
    `gone.test:${ports.gone}:80`,
    `logs.test:${ports.logs}:${logs.address().port}/udp`,
  ]);
  const relay = startSallyport({
    TARGET_FILE: file,
    TARGET_SCOPE: 'any',
    NAME_CHECK: 'enforce',
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
    MAX_CONNECTIONS: '1',
    ALLOW_FROM: '127.0.0.1',
    ADMIN_PORT: String(ports.admin),
  });
  await relay.line('listening');
  const environment = { SALLYPORT_RUN_DIR: relay.runDir };
  return {
    relay,
    admin: ports.admin,
    /** Everything that goes wrong while clients are let in; the last ones stay: one has the slot of a port, and one waits. */
    use: async () => {
      expect(await say(ports.web, get('api.test'))).toMatch(/found$/);
      const stranger = connect({ host: '127.0.0.1', port: ports.web, localAddress: '127.0.0.9' });
      expect(await errorOf(stranger)).toBe('ECONNRESET');
      // More than the log has a line for.
      for (let i = 0; i < 30; i++)
        expect(await say(ports.web, get(`n${i}.other.test`))).toMatch(/^HTTP\/1\.1 403 /);
      await say(ports.dead, get('dead.test'));
      await say(ports.gone, get('gone.test'));
      await say(ports.mute, get('mute.test', '/hang-up'));
      for (let i = 0; i < 2; i++) (await tcpClient(ports.mute)).write(get('mute.test'));
    },
    /** Datagrams beyond the receive buffer that the relay asks for, 4 MiB, whatever the kernel gives of it. */
    flood: async () => {
      const client = await udpSocket();
      relay.process.kill('SIGSTOP');
      for (let i = 0; i < 200; i++)
        await new Promise((sent) => client.send(Buffer.alloc(60_000), ports.logs, '127.0.0.1', sent));
      relay.process.kill('SIGCONT');
    },
    spoilList: () => list(['api.test:0']),
    blackOut: async () => {
      expect(await runSallyport(['blackout', 'on'], environment)).toMatchObject({ code: 0 });
      expect(await errorOf(connect(ports.web, '127.0.0.1'))).toBe('ECONNRESET');
    },
    stop: async () => {
      relay.process.kill('SIGKILL');
      await relay.ended;
    },
  };
}

/** What a door says at /metrics: the sets of label names of each metric, and the values of each label. */
function readMetrics(text: string) {
  const sets = new Map<string, Set<string>>();
  const values = new Map<string, Set<string>>();
  const add = (to: Map<string, Set<string>>, key: string, value: string) =>
    to.set(key, (to.get(key) ?? new Set()).add(value));
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, metric = '', all = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    const labels = [...all.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    add(
      sets,
      metric,
      labels
        .map(([, name = '']) => name)
        .toSorted()
        .join(),
    );
    for (const [, name = '', value = ''] of labels) add(values, `${metric} ${name}`, value);
  }
  return { sets, values };
}

/** What Prometheus itself adds. */
const ADDED = ['job', 'instance'];

/** Metrics, labels and values in alerts, their unit tests and panels that a door does not have. */
function unknownTo(text: string): readonly string[] {
  const { sets, values } = readMetrics(text);
  const unknown: string[] = [];
  const texts = [
    ...rules.map(({ expr, annotations }) => ({ expr, shown: Object.values(annotations).join() })),
    ...queries.map(({ expr, legendFormat }) => ({ expr, shown: legendFormat })),
  ];
  for (const { expr, shown } of texts) {
    const known = new Set(ADDED);
    for (const { metric, labels } of selectorsOf(expr)) {
      if (metric === 'up') continue;
      const names = [...(sets.get(metric) ?? [])].flatMap((set) => set.split(','));
      if (names.length === 0) unknown.push(`${metric} in ${expr}`);
      for (const name of names) known.add(name);
      for (const { name, operator, value } of labels.filter((label) => !ADDED.includes(label.name))) {
        const told = values.get(`${metric} ${name}`);
        const alternatives = operator.endsWith('~') ? value.split('|') : [value];
        for (const each of alternatives)
          if (told?.has(each) !== true) unknown.push(`${name}="${each}" in ${expr}`);
      }
    }
    const placed = [...shown.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)].map(([, name = '']) => name);
    for (const name of [...groupingOf(expr), ...placed])
      if (!known.has(name)) unknown.push(`${name} of ${expr}`);
  }
  // Metrics of a port have the label `protocol` only where ports of both are relayed, as here.
  const without = (names: readonly string[]) =>
    names
      .filter((name) => name !== 'protocol')
      .toSorted()
      .join();
  for (const series of inputSeries.filter((each) => !each.startsWith('up{'))) {
    const [{ metric, labels } = { metric: '', labels: [] }] = selectorsOf(series);
    const own = labels.filter(({ name }) => !ADDED.includes(name));
    const told = [...(sets.get(metric) ?? [])].map((set) => without(set.split(',')));
    if (!told.includes(without(own.map(({ name }) => name)))) unknown.push(series);
    const reason = own.find(({ name }) => name === 'reason')?.value;
    if (reason !== undefined && values.get(`${metric} reason`)?.has(reason) !== true) unknown.push(series);
  }
  return unknown;
}

test('the alerts are right, as promtool says', async () => {
  for (const args of [
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])
    expect(await run('promtool', args, { cwd: DIRECTORY })).toMatchObject({
      code: 0,
      output: expect.stringMatching(/SUCCESS/),
    });
});

test('alerts and dashboard go by what a door says: each alert fires, and each panel shows something', async () => {
  const door = await openDoor();
  const hasty = join(temporaryDirectory(), 'alerts.yml');
  const groups = alerts.groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({ ...rule, for: '0s' })),
  }));
  writeFileSync(hasty, JSON.stringify({ groups }));
  const { query } = await startPrometheus(door.admin, [hasty]);
  const firing = async () => {
    const samples = await query('ALERTS{alertstate="firing"}');
    return samples.map(({ labels }) => labels['alertname'] ?? '');
  };
  const seen = new Set<string>();
  const fires = async (...expected: readonly string[]) => {
    const missing = async () => {
      for (const name of await firing()) seen.add(name);
      return expected.filter((name) => !seen.has(name));
    };
    await expect.poll(missing, { timeout: 30_000, interval: 500 }).toEqual([]);
  };
  await expect.poll(() => query('up == 1'), { timeout: 20_000 }).toHaveLength(1);
  // The name that does not exist is wrong from the start, and nothing else is.
  await fires('SallyportNameUnresolved');
  expect([...seen]).toEqual(['SallyportNameUnresolved']);

  await door.use();
  await fires(
    'SallyportTargetUnreachable',
    'SallyportRefusals',
    'SallyportNeverAnswered',
    'SallyportSlotsFull',
    'SallyportLogLinesDropped',
  );
  for (const { title, expr } of queries)
    await expect
      .poll(() => query(filledIn(expr)), { timeout: 10_000, message: `${title}: ${expr}` })
      .not.toEqual([]);

  await door.flood();
  door.spoilList();
  await fires('SallyportDatagramsLost', 'SallyportTargetFileUnusable');
  expect(seen).not.toContain('SallyportBlackout');
  await door.blackOut();
  await fires('SallyportBlackout');

  expect(unknownTo((await ask(door.admin, '/metrics')).text)).toEqual([]);

  await door.stop();
  await fires('SallyportDown');
  expect([...seen].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
}, 120_000);
