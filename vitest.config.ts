import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { defineConfig } from 'vitest/config';

import { ARM64_NODE } from './test/helpers/arm64-node.ts';
import { LeftOut } from './test/helpers/left-out.ts';

const project = (name: string, include: string[], rest: object = {}) => ({
  test: { name, include, ...rest },
});

const FOR_DNS = ['unbound', 'unbound-control', 'dnsmasq', 'ip', 'ss', 'unshare', 'nsenter'];
/**
 * What test/servers runs, of Debian's unbound, dnsmasq-base, iproute2, util-linux, nginx, apache2-bin, python3, curl, openssl, git, apt, apache2-utils, wrk,
 * prometheus, bind9, bind9-dnsutils, dnsperf, gcc, musl-tools, chromium, shellcheck, gcc-aarch64-linux-gnu, nftables and conntrack.
 */
const SERVERS = [
  ...FOR_DNS,
  'nginx',
  'apache2',
  'python3',
  'curl',
  'openssl',
  'git',
  'apt-get',
  'ab',
  'wrk',
  'prometheus',
  'promtool',
  'dig',
  'named',
  'dnsperf',
  'getent',
  'gcc',
  'musl-gcc',
  'chromium',
  'shellcheck',
  'aarch64-linux-gnu-gcc',
  'nft',
  'conntrack',
  'setpriv',
];
/** What test/faults runs beside these, of Debian's ethtool and iproute2. */
const FOR_FAULTS = ['ethtool', 'tc'];
/** Of Debian's libfaketime, by machine. */
const FAKETIME = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`,
);
/** Of Debian's python3-pycares. */
const PYCARES = '/usr/lib/python3/dist-packages/pycares';
/** What test/container/podman.test.ts runs, of Debian's podman, netavark, util-linux and iproute2. */
const PODMAN = ['podman', 'runc', 'unshare', 'nsenter', 'ip'];
/** Of Debian's qemu-user-static, and of libc6-arm64-cross, libstdc++6-arm64-cross and libatomic1-arm64-cross. */
const EMULATION = ['qemu-aarch64-static'];
const LIBRARIES = ['ld-linux-aarch64.so.1', 'libstdc++.so.6', 'libatomic.so.1'];
const DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const missingOf = (programs: readonly string[]) =>
  programs.filter((program) => !DIRECTORIES.some((directory) => existsSync(join(directory, program))));
const missing = [...missingOf(SERVERS), ...(existsSync(PYCARES) ? [] : ['pycares'])];
const missingOfFaults = [
  ...missing,
  ...missingOf(FOR_FAULTS),
  ...(FAKETIME.some((file) => existsSync(file)) ? [] : ['libfaketime']),
];
const missingOfPodman = process.getuid?.() === 0 ? missingOf(PODMAN) : ['root'];
const missingOfArm64 = [
  ...missingOf(EMULATION),
  ...LIBRARIES.filter((name) => !existsSync(join('/usr/aarch64-linux-gnu/lib', name))),
];
const leftOut: string[] = [];
for (const [tests, programs] of [
  ['server tests', missing],
  ['faults', missingOfFaults],
  ['the test with Podman', missingOfPodman],
  ['tests on arm64', missingOfArm64],
] as const) {
  if (programs.length === 0) continue;
  const message = `${tests}: left out for want of ${programs.join(', ')}`;
  if (process.env['REQUIRE_DOCKER'] === '1') throw new Error(`REQUIRE_DOCKER=1, but ${message}`);
  leftOut.push(`${message} (REQUIRE_DOCKER=1 makes that a failure)`);
  console.log(leftOut.at(-1));
}

/** Our own readers on thousands of random inputs, some of them beside others' readers. */
const LONG = 'test/**/*-{differential,fuzz}.test.ts';
/** On real sockets, as the relays. */
const DNS_SERVER = 'test/dns-server/listen.test.ts';
const RUNS_DIST = { globalSetup: ['test/helpers/fresh-dist.ts'] };

const RUNS_CONTAINERS = {
  globalSetup: ['test/helpers/docker-setup.ts'],
  env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
  testTimeout: 60_000,
  hookTimeout: 120_000,
};
const CONTAINER_FAULTS = 'test/container/faults.test.ts';

/** The data planes of doors, and what goes wrong for each of them. */
const DATA_PLANES = [
  { name: 'faults', files: '*', env: {} },
  { name: 'faults-workers', files: '{target,client,kernel,process}', env: { TEST_WORKERS: '2' } },
  { name: 'faults-lane', files: '{target,client,kernel,process,link-to-target}', env: { TEST_LANE: '1' } },
  { name: 'faults-streams', files: '{target,client,kernel}', env: { TEST_SOCKETS: 'streams' } },
];

export default defineConfig({
  test: {
    reporters: ['default', new LeftOut(leftOut)],
    testTimeout: 30_000,
    // Of node:ffi. Programs that tests start have options of their own.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    expect: { poll: { timeout: 10_000 } },
    projects: [
      project('unit', ['test/**/*.test.ts'], {
        exclude: [LONG, 'test/{relay,process,arm64,servers,faults,container}/**', DNS_SERVER],
      }),
      project('relay', ['test/relay/**/*.test.ts', DNS_SERVER], { exclude: [LONG] }),
      project(
        'streams',
        [
          'test/relay/{tcp/{listen,proxy-protocol},udp/listen,http/*,serve/{http-proxy,enforce-names,report-names,postgres-tls}}.test.ts',
          DNS_SERVER,
        ],
        {
          env: { TEST_SOCKETS: 'streams' },
        },
      ),
      project('long', [LONG], { exclude: ['test/servers/**'] }),
      project('process', ['test/process/**/*.test.ts'], RUNS_DIST),
      ...(missingOfArm64.length > 0
        ? []
        : [
            project('arm64', ['test/arm64/*.test.ts', 'test/process/{rules,dns,exit,schemas}.test.ts'], {
              globalSetup: ['test/helpers/fresh-dist.ts', 'test/helpers/arm64-node.ts'],
              env: { TEST_NODE: ARM64_NODE },
              testTimeout: 120_000,
            }),
          ]),
      ...(missing.length > 0 ? [] : [project('servers', ['test/servers/**/*.test.ts'], RUNS_DIST)]),
      ...(missingOfFaults.length > 0
        ? []
        : DATA_PLANES.map(({ name, files, env }) =>
            project(name, [`test/faults/${files}.test.ts`], { ...RUNS_DIST, env, testTimeout: 120_000 }),
          )),
      project('container', ['test/container/**/*.test.ts'], {
        exclude: [CONTAINER_FAULTS, ...(missingOfPodman.length > 0 ? ['test/container/podman.test.ts'] : [])],
        ...RUNS_CONTAINERS,
      }),
      project('faults-containers', [CONTAINER_FAULTS], RUNS_CONTAINERS),
    ],
  },
});
