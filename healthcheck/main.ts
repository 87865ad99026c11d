import { parseConfig } from '../src/config/config.ts';
import { messageOf } from '../src/message-of.ts';
import { checkControl } from './control.ts';
import { explain } from './explain.ts';
import { checkListening } from './listening.ts';

/** Checks the relay from the inside out. Resolves when all is well; rejects with the first thing that is not. */
async function check(): Promise<void> {
  const config = parseConfig(process.env);
  const { mode, ports, runDir, httpProbe, smtpProbe } = config;
  const status = await checkControl(runDir);
  checkListening(
    mode,
    ports.map(({ listen }) => listen),
  );
  // Loaded where asked for: most of the program's CPU time would go into reading unused libraries.
  await Promise.all([
    status && config.preResolve && import('./name.ts').then(({ checkName }) => checkName(config, status)),
    httpProbe &&
      import('./http.ts').then(({ probeHttp }) => explain(probeHttp(httpProbe), { runDir, ...httpProbe })),
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
