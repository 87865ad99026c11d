import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { DockerfileParser, type From } from 'dockerfile-ast';
import { validate, ValidationSeverity } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '..');
const OURS = 'Dockerfile';
const dockerfiles = globSync('{,examples/**/,test/**/}Dockerfile', { cwd: REPOSITORY });
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');

/** What can be judged by taste is an error here. */
const STRICT = {
  deprecatedMaintainer: ValidationSeverity.ERROR,
  directiveCasing: ValidationSeverity.ERROR,
  emptyContinuationLine: ValidationSeverity.ERROR,
  instructionCasing: ValidationSeverity.ERROR,
  instructionCmdMultiple: ValidationSeverity.ERROR,
  instructionEntrypointMultiple: ValidationSeverity.ERROR,
  instructionHealthcheckMultiple: ValidationSeverity.ERROR,
  instructionJSONInSingleQuotes: ValidationSeverity.ERROR,
  instructionWorkdirRelative: ValidationSeverity.ERROR,
};

/** What is wrong with a Dockerfile, beside what breaks a build. */
function faultsOf(text: string): readonly string[] {
  const file = DockerfileParser.parse(text);
  const stages = new Set(file.getFROMs().map((from) => from.getBuildStage()));
  const faults = validate(text, STRICT).map(({ message }) =>
    typeof message === 'string' ? message : message.value,
  );
  const isNamed = (from: From) => {
    const image = from.getImage() ?? '';
    return image === 'scratch' || stages.has(image) || /[:$]/.test(image);
  };
  for (const from of file.getFROMs()) if (!isNamed(from)) faults.push(`${from.getImage()} has no tag`);
  for (const instruction of file.getInstructions()) {
    const keyword = instruction.getKeyword();
    const command = instruction.getArgumentsContent() ?? '';
    if (keyword === 'ADD') faults.push('ADD: COPY takes no archives and no URLs');
    if (keyword !== 'RUN' || !command.includes('apt-get install')) continue;
    for (const part of ['apt-get update', '--yes', '--no-install-recommends', 'rm -rf /var/lib/apt/lists/*'])
      if (!command.includes(part)) faults.push(`apt-get install without ${part}`);
  }
  return faults;
}

test('every Dockerfile is looked at', () => {
  expect(dockerfiles).toEqual(expect.arrayContaining([OURS, 'examples/peers/Dockerfile']));
});

test.each(dockerfiles)('%s has no fault', (path) => {
  expect(faultsOf(read(path))).toEqual([]);
});

describe('a fault is seen:', () => {
  test.each([
    ['a tag that is missing', /FROM \$\{NODE_IMAGE\}/, 'FROM node', 'node has no tag'],
    [
      'recommended packages',
      ' --no-install-recommends',
      '',
      'apt-get install without --no-install-recommends',
    ],
    [
      'lists that stay',
      '&& rm -rf /var/lib/apt/lists/*',
      '',
      'apt-get install without rm -rf /var/lib/apt/lists/*',
    ],
    ['an instruction that does not exist', 'WORKDIR', 'WORKDIRS', 'Unknown instruction: WORKDIRS'],
    [
      'two entry points',
      /$/,
      'ENTRYPOINT ["node"]',
      'There can only be one ENTRYPOINT instruction in a Dockerfile or build stage. Only the last one will have an effect.',
    ],
  ])('%s', (_what, good, bad, fault) => {
    expect(faultsOf(read(OURS).replace(good, bad))).toContain(fault);
  });
});

test('the image runs as a user that is not root', () => {
  const instructions = DockerfileParser.parse(read(OURS)).getInstructions();
  const users = instructions.filter((each) => each.getKeyword() === 'USER');
  expect(users.map((each) => each.getArgumentsContent())).toEqual(['65532:65532']);
});
