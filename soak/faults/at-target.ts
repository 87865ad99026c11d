import type { Place } from '../doors/place.ts';
import type { Target } from '../targets/target.ts';
import type { DoorFault } from './fault.ts';

const hasStreams = ({ streams }: Place) => streams.length > 0;
const hasDatagrams = ({ datagrams }: Place) => datagrams.length > 0;

type Targets = readonly Target[];

/** What is shut for a while. */
const during = (targets: Targets, set: (target: Target, isSo: boolean) => void) => {
  for (const target of targets) set(target, true);
  return async () => {
    for (const target of targets) set(target, false);
  };
};
const abort = (targets: Targets) => {
  for (const target of targets) target.abort();
};
/** Nothing listens until what is returned is called. */
const refuse = async (targets: Targets) => {
  await Promise.all(targets.map((target) => target.refuse()));
  return async () => void (await Promise.all(targets.map((target) => target.start())));
};

/** What goes wrong with a door's targets. */
export const AT_TARGET: readonly DoorFault[] = [
  {
    name: 'the target resets its connections',
    lasts: [200, 2_000],
    excuses: 'failure',
    canBefall: hasStreams,
    begin: async ({ place }) => {
      const timer = setInterval(() => abort(place.streams), 100);
      return async () => clearInterval(timer);
    },
  },
  {
    name: 'the target refuses connections',
    lasts: [200, 3_000],
    excuses: 'failure',
    canBefall: hasStreams,
    begin: async ({ place }) => refuse(place.streams),
  },
  {
    name: 'the target dies and comes back',
    lasts: [200, 3_000],
    excuses: 'failure',
    canBefall: hasStreams,
    begin: async ({ place }) => {
      const comeBack = await refuse(place.streams);
      abort(place.streams);
      return comeBack;
    },
  },
  {
    name: 'the target is mute',
    lasts: [200, 4_000],
    excuses: null,
    canBefall: hasStreams,
    begin: async ({ place }) => during(place.streams, (target, isSo) => target.beMute(isSo)),
  },
  {
    name: 'the target does not read',
    lasts: [200, 4_000],
    excuses: null,
    canBefall: hasStreams,
    begin: async ({ place }) => during(place.streams, (target, isSo) => target.stopReading(isSo)),
  },
  {
    name: 'the target of datagrams is mute',
    lasts: [200, 3_000],
    excuses: 'failure',
    canBefall: hasDatagrams,
    begin: async ({ place }) => during(place.datagrams, (target, isSo) => target.beMute(isSo)),
  },
  {
    name: 'the target of datagrams is gone and comes back',
    lasts: [200, 3_000],
    excuses: 'failure',
    canBefall: hasDatagrams,
    begin: async ({ place }) => refuse(place.datagrams),
  },
];
