import { type Config, parseConfig } from '../config/config.ts';
import { canonical, ipVersion } from '../config/host.ts';
import { DNS_PORT } from '../config/read-listeners.ts';
import { isName, isWildcard, parseTargets } from '../config/targets.ts';
import { type Command, UsageError } from '../lib/arguments.ts';
import { SUBNET, writeCompose } from './write-compose.ts';

/** As the README has it built. */
const IMAGE = 'ghcr.io/sallyport/sallyport';
/** A name with its registry, tag and digest. */
const REFERENCE = /^\w[\w.:/@-]*$/;

/** Rules that a relay would not start with are a ConfigError; what it would warn of goes to standard error. */
export const compose: Command = {
  name: 'compose',
  summary: 'print a hardened door for these rules, to be pasted into a Compose file beside the app',
  operands: {
    usage: 'RULE...',
    summary:
      "entries of TARGET, such as api.github.com:443, '*.s3.amazonaws.com' or logs.example.com:514/udp",
    min: 1,
    max: Infinity,
  },
  options: {
    image: { type: 'string', summary: `the door's image, where it is not ${IMAGE}` },
    dns: {
      type: 'boolean',
      summary: "with the door's own DNS in place of aliases, as wildcards have it anyhow",
    },
    addresses: {
      type: 'boolean',
      summary: 'as --dns, with an address for each name: any may share a port; takes NET_ADMIN',
    },
    'fast-lane': {
      type: 'boolean',
      summary: 'with raw ports relayed by the kernel, which checks no names; takes NET_ADMIN',
    },
    proxy: { type: 'boolean', summary: 'with a forward proxy to the same names, for apps that take one' },
  },
  run: async ({ options, operands }, { print, printError }) => {
    const image = String(options['image'] ?? IMAGE);
    if (!REFERENCE.test(image))
      throw new UsageError(`--image '${image}': it takes an image such as registry.example.com/${IMAGE}:1.0`);
    const TARGET = operands.join(' ');
    const MODE = options['proxy'] === true ? 'tcp http-proxy' : undefined;
    const NAME_ADDRESSES = options['addresses'] === true ? SUBNET.names : undefined;
    const isDnsAsked = options['dns'] === true || NAME_ADDRESSES !== undefined;
    const plain = { TARGET, MODE, NAME_ADDRESSES, DNS: isDnsAsked ? '1' : undefined };
    const asked = parseConfig(plain);
    const config = parseConfig({
      ...plain,
      DNS: isDnsAsked || needsDns(asked) ? '1' : undefined,
      ...(options['fast-lane'] === true && {
        FAST_LANE: '1',
        PRE_RESOLVE: asked.targets.some(isName) ? '1' : undefined,
      }),
    });
    const warnings = [
      ...config.warnings,
      ...(config.dns === null || config.preResolve ? warnOfLocal(config.targets) : []),
    ];
    if (warnings.length > 0) printError(...warnings);
    print(...writeCompose({ config, entries: parseTargets(TARGET), image }));
    return 0;
  },
};

/** Docker knows no wildcard aliases. Through a proxy, the app needs none; and where a rule listens on port 53, there can be no DNS. */
function needsDns({ targets, listeners }: Config): boolean {
  return (
    targets.some(isWildcard) &&
    listeners.every(({ kind, port }) => kind !== 'http-proxy' && port !== DNS_PORT)
  );
}

/** Names without a dot are known on the target's own network at most. */
function warnOfLocal(targets: readonly string[]): readonly string[] {
  return targets
    .filter((target) => ipVersion(target) === 0 && !canonical(target).includes('.'))
    .map(
      (name) => `${name} has no dot, so public nameservers do not know it: set NAMESERVERS to some that do`,
    );
}
