import { answersOf, dnsperf, latenciesOf } from './dnsperf.ts';
import type { Load } from './load.ts';
import { cpuPer, withCpu } from './with-cpu.ts';

const PORT = 53;
const NAMES = Array.from({ length: 100 }, (_, i) => `n${i}.bench.test`);
/** Questions a second at which latencies are told: far below what any peer can do. */
const MODERATE = 5_000;

/** One client that asks for names that the peer knows: as fast as it can, and then at a moderate rate. */
export function dns(): Load {
  return {
    name: 'dns',
    description: `dnsperf, one client, A of ${NAMES.length} names in turn: 100 questions at a time, then ${MODERATE} a second`,
    needs: { dnsperf: 'dnsperf' },
    serve: () => Promise.resolve({ port: PORT, protocols: ['dns'], connections: 100, zone: NAMES }),
    async run(run) {
      const full = ['-q', '100'];
      const { result, cpu } = await withCpu(run.started, () => dnsperf(run, { names: NAMES, args: full }));
      const { answers, perSecond } = answersOf(result);
      const even = ['-Q', String(MODERATE), '-v'];
      const { p50, p99 } = latenciesOf(await dnsperf(run, { names: NAMES, args: even }));
      return {
        dnsAnswers: perSecond,
        ...cpuPer('dnsAnswersCpu', cpu, answers / 1e6),
        dnsP50: p50,
        dnsP99: p99,
      };
    },
  };
}
