import { ConfigError } from './config-error.ts';
import type { Nameserver } from './nameservers.ts';
import { findNearMisses } from './near-misses.ts';
import type { PortPair } from './ports.ts';
import { choosePort, defaultHttpUrl, parseProbeUrl, type Probe } from './probes.ts';
import { describeProblem, readVariables, type Values, variables } from './variables.ts';

/** All that the environment says, complete and checked. Times are in ms. */
export interface Config {
  readonly target: string;
  readonly ports: readonly PortPair[];
  readonly mode: 'tcp' | 'udp';
  readonly preResolve: boolean;
  readonly nameservers: readonly Nameserver[];
  /** Whether the answers of NAMESERVERS are kept fresh. */
  readonly refresh: boolean;
  readonly scope: 'private' | 'public' | 'any';
  /** Slots per port; Infinity for no limit. */
  readonly maxConnections: number;
  readonly udpAnswers: boolean;
  readonly verbose: boolean;
  readonly connectTimeout: number;
  /** 0: connections may idle for ever. */
  readonly idleTimeout: number;
  readonly udpTimeout: number;
  readonly drainTimeout: number;
  /** Failed self-checks in a row that end the program; Infinity for never. */
  readonly exitOnUnhealthy: number;
  readonly logLevel: Values['LOG_LEVEL'];
  /** null: the first writable of the defaults. */
  readonly runDir: string | null;
  readonly httpProbe: Probe | null;
  readonly smtpProbe: (Probe & { readonly command: string }) | null;
  /** Set, but without effect: probably misspelt. */
  readonly nearMisses: readonly { readonly name: string; readonly meant: string }[];
}

/** Reads the environment. Throws a ConfigError that names every problem at once. */
export function parseConfig(environment: NodeJS.ProcessEnv): Config {
  const { values, problems } = readVariables(environment);
  const probes = readProbes(values);
  const allProblems = [...problems, ...probes.problems];
  if (allProblems.length > 0) throw new ConfigError(allProblems);

  const all = values as Values;
  return {
    target: all.TARGET,
    ports: all.PORT,
    mode: all.MODE,
    preResolve: all.PRE_RESOLVE,
    nameservers: all.NAMESERVERS,
    refresh: all.PRE_RESOLVE_REFRESH,
    scope: all.TARGET_SCOPE,
    maxConnections: all.MAX_CONNECTIONS === 0 ? Infinity : all.MAX_CONNECTIONS,
    udpAnswers: all.UDP_ANSWERS,
    verbose: all.VERBOSE,
    connectTimeout: all.CONNECT_TIMEOUT_MS,
    idleTimeout: all.IDLE_TIMEOUT_MS,
    udpTimeout: all.UDP_TIMEOUT_MS,
    drainTimeout: all.DRAIN_TIMEOUT_MS,
    exitOnUnhealthy: all.EXIT_ON_UNHEALTHY === 0 ? Infinity : all.EXIT_ON_UNHEALTHY,
    logLevel: all.LOG_LEVEL,
    runDir: all.SALLYPORT_RUN_DIR,
    httpProbe: probes.http === null ? null : { ...probes.http, timeout: all.HTTP_HEALTHCHECK_TIMEOUT_MS },
    smtpProbe:
      probes.smtp === null
        ? null
        : { ...probes.smtp, timeout: all.SMTP_HEALTHCHECK_TIMEOUT_MS, command: all.SMTP_HEALTHCHECK_COMMAND },
    nearMisses: findNearMisses(Object.keys(environment), Object.keys(variables)),
  };
}

type Destination = Pick<Probe, 'url' | 'port'>;

/** Checks what one variable alone cannot tell: a probe's URL against TARGET, PORT and MODE. */
function readProbes(values: Partial<Values>): {
  readonly http: Destination | null;
  readonly smtp: Destination | null;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const { TARGET: target = 'target.invalid', PORT: ports = [], MODE: mode } = values;

  const defaults = { HTTP: defaultHttpUrl(ports), SMTP: variables.SMTP_HEALTHCHECK_URL.fallback };
  const read = (
    service: 'HTTP' | 'SMTP',
    template: string,
    schemes: readonly string[],
  ): Destination | null => {
    const name = `${service}_HEALTHCHECK_URL` as const;
    const isOn = values[`${service}_HEALTHCHECK`] === true;
    if (!isOn && template === defaults[service]) return null;
    try {
      const url = parseProbeUrl(template, target, schemes);
      if (!isOn || ports.length === 0) return null;
      if (mode === 'udp') problems.push(`${service}_HEALTHCHECK=1: needs TCP; it goes with MODE=tcp only`);
      return { url, port: choosePort(url, ports) };
    } catch (cause) {
      problems.push(describeProblem(name, template, { accepted: variables[name].accepted, cause }));
      return null;
    }
  };

  return {
    http: read('HTTP', values.HTTP_HEALTHCHECK_URL ?? defaults.HTTP, ['http', 'https']),
    smtp: read('SMTP', values.SMTP_HEALTHCHECK_URL ?? defaults.SMTP, ['smtp', 'smtps']),
    problems,
  };
}
