// `npm run valgrind`: the built relay under Debian's valgrind (memcheck), in two threads, with TCP and UDP through it. Ends with 1 where C was given memory
// that is freed, too short or was never written, or where a byte went astray. Node itself has one fault by its own choice (v8.supp).
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '../..');
const HOST = '127.0.0.1';
const PORTS = { tcp: 18_080, udp: 18_081 };
/** Connections in all, and at a time; what each sends, in bytes: more than a read, or a socket's room, takes. */
const CONNECTIONS = 400;
const AT_A_TIME = 20;
const SIZES = [1, 5_000, 1_000_000];
const DATAGRAMS = 1_000;
const FAULTY = 99;
/** What all that may take; it takes 30 s on a machine of its own. */
const TIME = 300_000;

const work = mkdtempSync(join(tmpdir(), 'sallyport-valgrind-'));
const report = join(work, 'report');
const tcp = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, HOST);
const udp = createSocket('udp4').bind(0, HOST);
udp.on('message', (datagram, { port, address }) => udp.send(datagram, port, address));
await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]);

const relay = start((tcp.address() as AddressInfo).port, udp.address().port);
process.once('exit', () => relay.kill('SIGKILL'));
const ended = once(relay, 'close') as Promise<[number | null]>;
await Promise.race([listening(relay), ended]);
const late = delay(TIME, `not done within ${TIME} ms`, { ref: false });
const astray = relay.exitCode === null ? await Promise.race([load(), late]) : 'the relay did not start';
relay.kill('SIGTERM');
const [code] = await ended;
tcp.close();
udp.close();
const said = readFileSync(report, 'utf8');
rmSync(work, { recursive: true });
console.log(code === 0 ? said.trim().split('\n').at(-1) : said);
if (astray !== null) console.log(astray);
if (code !== 0 || astray !== null) process.exitCode = 1;

function start(tcpTarget: number, udpTarget: number): ChildProcess {
  const options = [
    '--smc-check=all-non-file', // V8 writes code over code
    '--num-callers=40',
    '--error-limit=no',
    `--error-exitcode=${FAULTY}`,
    `--suppressions=${join(import.meta.dirname, 'v8.supp')}`,
    `--log-file=${report}`,
  ];
  const program = [process.execPath, '--disable-sigusr1', join(ROOT, 'dist/sallyport.js')];
  return spawn('valgrind', [...options, ...program], {
    env: {
      PATH: process.env['PATH'],
      TARGET: HOST,
      PORT: `${PORTS.tcp}:${tcpTarget} ${PORTS.udp}:${udpTarget}/udp`,
      WORKERS: '2',
      SALLYPORT_RUN_DIR: work,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function listening({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) return;
  for await (const line of createInterface({ input: stdout })) if (line.includes('"listening"')) return;
}

/** What went wrong, if anything did. */
async function load(): Promise<string | null> {
  let opened = 0;
  let good = 0;
  const comeAndGo = async () => {
    while (opened < CONNECTIONS) {
      const id = opened++;
      if (await echo(id, SIZES[id % SIZES.length] as number)) good++;
    }
  };
  const answers = datagrams();
  await Promise.all(Array.from({ length: AT_A_TIME }, comeAndGo));
  const isWhole = good === CONNECTIONS && (await answers) > 0;
  return isWhole ? null : `${good} of ${CONNECTIONS} connections, ${await answers} of ${DATAGRAMS} datagrams`;
}

/** Whether all came back; every third connection is then reset. */
async function echo(id: number, length: number): Promise<boolean> {
  const client = connect(PORTS.tcp, HOST).on('error', () => {});
  const sent = Buffer.alloc(length, id & 0xff);
  client.write(sent);
  let received = Buffer.alloc(0);
  const closed = new Promise((resolve) => void client.once('close', resolve));
  client.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < length) return;
    if (id % 3 === 0) client.resetAndDestroy();
    else client.end();
  });
  await closed;
  return received.equals(sent);
}

/** How many were answered. */
async function datagrams(): Promise<number> {
  const client = createSocket('udp4');
  let answers = 0;
  client.on('message', () => answers++);
  for (let i = 0; i < DATAGRAMS; i++) {
    client.send(Buffer.alloc(1 + (i % 1_400), i & 0xff), PORTS.udp, HOST);
    if (i % 20 === 0) await delay(100);
  }
  await delay(1_000);
  client.close();
  return answers;
}
