import type { Small } from '../small/small.ts';
import type { Summaries } from './statistics.ts';
import { digits, markdownTable } from './table.ts';

const MEBI = 2 ** 20;
const MEGA = 1e6;
const UNKNOWN = 'not measured';

/** What is asked of something that runs beside every app, beside docker-whitelist's where its image is there to be measured. */
export function smallTable(summaries: Summaries, small: Small | null): string {
  const { startup, restMemory } = summaries['sallyport'] ?? {};
  const say = (value: number | null | undefined, unit: string) =>
    value ? `${digits(value)} ${unit}` : UNKNOWN;
  const { image = null, itsImage = null } = small ?? {};
  return markdownTable([
    ['', 'sallyport', 'docker-whitelist'],
    ['start to listening', say(startup?.median, 'ms'), UNKNOWN],
    ['CPU of a healthcheck without probes', say(small?.healthcheckCpu, 'ms'), UNKNOWN],
    [
      `CPU at rest, over ${small?.restSeconds ?? 0} s`,
      small ? `${small.restCpu.toFixed(3)} %` : UNKNOWN,
      UNKNOWN,
    ],
    ['memory at rest, PSS, outside a container', say(restMemory?.median, 'MiB'), UNKNOWN],
    [
      'memory at rest, docker stats',
      say(image && image.rest / MEBI, 'MiB'),
      say(itsImage && itsImage.rest / MEBI, 'MiB'),
    ],
    ['size of the image', say(image && image.size / MEGA, 'MB'), say(itsImage && itsImage.size / MEGA, 'MB')],
  ]);
}
