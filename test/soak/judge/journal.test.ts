import { expect, test } from 'vitest';

import { Journal } from '../../../soak/judge/journal.ts';
import { Windows } from '../../../soak/judge/windows.ts';
import { WrongError } from '../../../soak/loads/wrong-error.ts';

function setUp() {
  const windows = new Windows();
  const said: string[] = [];
  const journal = new Journal(windows, (line) => said.push(line));
  const operation = () => ({ load: 'tcp', door: 'raw', from: performance.now() });
  return { windows, said, journal, operation };
}

test('a failure is a fault outside of a window, and excused within one', () => {
  const { windows, said, journal, operation } = setUp();
  journal.failed(operation(), new Error('read ECONNRESET'));
  expect(journal.faults).toEqual([expect.stringMatching(/tcp at raw, after \d+ ms: read ECONNRESET/)]);
  expect(said).toEqual([expect.stringContaining('FAULT at minute 0.00')]);
  windows.open({ fault: 'blackout', doors: ['raw'], excuse: 'failure', grace: 0 });
  journal.failed(operation(), new Error('connect ECONNREFUSED 127.0.0.1:12345'));
  expect(journal.faults).toHaveLength(1);
  expect([...journal.excused]).toEqual([['blackout: tcp: connect ECONNREFUSED 127.0.0.1:…', 1]]);
  expect(journal.all.get('tcp')).toMatchObject({ faults: 1, excused: 1, done: 0 });
});

test('what is wrong is a fault within a window too, and tells what went on', () => {
  const { windows, journal, operation } = setUp();
  windows.open({ fault: 'blackout', doors: ['raw'], excuse: 'failure', grace: 0 });
  const end = journal.inflict('blackout', 'raw');
  journal.failed(operation(), new WrongError('byte 5 of 9'));
  end();
  journal.wrong('another');
  expect(journal.faults).toEqual([
    expect.stringMatching(/byte 5 of 9 \(meanwhile: raw: blackout\)$/),
    expect.stringMatching(/another \(meanwhile: nothing\)$/),
  ]);
  expect([...journal.inflicted]).toEqual([['blackout', 1]]);
});

test('a minute has what was done since the last one', () => {
  const { journal, operation } = setUp();
  const done = { bytes: 10, answeredAt: performance.now() + 1, hasLeft: false };
  journal.done(operation(), done);
  journal.done(operation(), { ...done, hasLeft: true, answeredAt: null });
  const first = journal.takeMinute().get('tcp');
  expect(first).toMatchObject({ done: 1, left: 1, bytes: 20 });
  expect(first?.latencies).toHaveLength(1);
  journal.done(operation(), done);
  expect(journal.takeMinute().get('tcp')).toMatchObject({ done: 1, left: 0, bytes: 10 });
  expect(journal.all.get('tcp')).toMatchObject({ done: 2, left: 1, bytes: 30 });
});
