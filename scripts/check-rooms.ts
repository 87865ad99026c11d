// Each folder of the product and what it may import, types and dynamic imports included. The order is that of the data: nothing imports a folder
// that stands above it here, so no two import each other.
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import path from 'node:path';

const ROOMS: Readonly<Record<string, readonly string[]>> = {
  src: [
    'src/workers',
    'src/commands/check',
    'src/door',
    'src/commands',
    'src/runtime',
    'src/log',
    'src/config',
    'src/lib',
  ],
  'src/workers': ['src/door', 'src/runtime', 'src/relay', 'src/log', 'src/config', 'src/lib'],
  'src/commands/check': [
    'src/door',
    'src/runtime',
    'src/control',
    'src/relay/tcp',
    'src/relay',
    'src/wire',
    'src/dns',
    'src/log',
    'src/config',
    'src/lib',
  ],
  'src/door': [
    'src/lane',
    'src/runtime',
    'src/dns-server',
    'src/relay/udp',
    'src/relay/serve',
    'src/relay/names',
    'src/control',
    'src/relay/tcp',
    'src/relay',
    'src/wire',
    'src/dns',
    'src/log',
    'src/config',
    'src/lib',
  ],
  'src/lane': ['src/relay', 'src/kernel', 'src/log', 'src/lib'],
  'src/dns-server': [
    'src/relay/udp',
    'src/relay/tcp',
    'src/relay',
    'src/kernel',
    'src/log',
    'src/dns/wire',
    'src/lib',
  ],
  'src/relay/udp': ['src/relay', 'src/wire', 'src/kernel', 'src/log', 'src/lib'],
  'src/relay/serve': [
    'src/relay/http',
    'src/relay/names',
    'src/relay/tcp',
    'src/relay',
    'src/wire',
    'src/lib',
  ],
  'src/relay/http': ['src/relay/names', 'src/relay/tcp', 'src/relay', 'src/wire', 'src/lib'],
  'src/relay/names': ['src/relay/tcp', 'src/relay', 'src/wire', 'src/lib'],
  'src/commands': ['src/control', 'src/dns', 'src/config', 'src/lib'],
  healthcheck: ['src/runtime', 'src/control', 'src/kernel', 'src/dns', 'src/config', 'src/lib'],
  'src/runtime': ['src/control', 'src/relay', 'src/kernel', 'src/log', 'src/lib'],
  'src/control': ['src/relay/tcp', 'src/relay', 'src/kernel', 'src/dns', 'src/log', 'src/config', 'src/lib'],
  'src/relay/tcp': ['src/relay', 'src/wire', 'src/kernel', 'src/log', 'src/lib'],
  'src/relay': ['src/wire', 'src/kernel', 'src/log', 'src/lib'],
  'src/wire': ['src/lib'],
  'src/kernel': ['src/lib'],
  'src/dns': ['src/log', 'src/dns/transport', 'src/dns/wire', 'src/lib'],
  'src/log': ['src/lib'],
  'src/dns/transport': ['src/dns/wire'],
  'src/dns/wire': [],
  'src/config': ['src/lib'],
  'src/lib': [],
};
const IMPORT = /(?:from|import)\s*\(?\s*'(\.\.?\/[^']+)'/g;

const roomOf = (file: string) => path.dirname(file);
const order = Object.keys(ROOMS);
const problems: string[] = [];
const used = new Set<string>();

for await (const file of glob('{src,healthcheck}/**/*.ts')) {
  const room = roomOf(file);
  const allowed = ROOMS[room] ?? [];
  if (!order.includes(room))
    problems.push(`${room} is no known folder: scripts/check-rooms.ts lists what each may import`);
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const other = roomOf(path.join(room, specifier));
    used.add(`${room} ${other}`);
    if (other === room || other === '.' || allowed.includes(other)) continue;
    problems.push(
      `${file} imports ${specifier}, of ${other}: ${room} may import ${allowed.join(', ') || 'nothing'}`,
    );
  }
}
for (const [room, allowed] of Object.entries(ROOMS)) {
  for (const other of allowed) {
    if (!used.has(`${room} ${other}`))
      problems.push(`${room} does not import ${other} any more: take it off the list`);
    if (order.indexOf(other) <= order.indexOf(room))
      problems.push(`${room} may not import ${other}, which stands above it`);
  }
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
