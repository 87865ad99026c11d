import { parseConfig } from '../src/config/config.ts';
import { messageOf } from '../src/message-of.ts';
import { checkControl } from './control.ts';
import { explain } from './explain.ts';
import { checkListening } from './listening.ts';

/** Checks the relay from the inside out. Resolves when all is well; rejects with the first thing that is not. */
async function check(): Promise<void> {
  const config = parseConfig(process.env);
  const { mode, ports, runDir, httpProbes, smtpProbe } = config;
  const status = await checkControl(runDir);
  checkListening(mode === 'udp' ? 'udp' : 'tcp', new Set(ports.map(({ listen }) => listen)));
  // Loaded where asked for: most of the program's CPU time would go into reading unused libraries.
  await Promise.all([
    status && config.preResolve && import('./name.ts').then(({ checkNames }) => checkNames(config, status)),
    ...httpProbes.map(async (probe) => {
      const { probeHttp } = await import('./http.ts');
      await explain(probeHttp(probe), { runDir, ...probe });
    }),
    smtpProbe &&
      import('./smtp.ts').then(({ probeSmtp }) => explain(probeSmtp(smtpProbe), { runDir, ...smtpProbe })),
  ]);
}

check().then(
  () => {
    console.log('healthy');
    process.exit(0);
  },
  (error: unknown) => {
    console.log(`unhealthy: ${messageOf(error)}`);
    process.exit(1);
  },
);
