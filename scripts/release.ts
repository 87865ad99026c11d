// What the release workflow asks for: `tags vX.Y.Z` prints the image's tags, `notes vX.Y.Z` the changelog's section, one question a run.
import { readFileSync } from 'node:fs';

const TAG = /^v((\d+)\.(\d+)\.\d+)$/;

/** The version in a git tag such as v1.2.3. Throws for every other form: prereleases are not released. */
export function versionOf(tag: string): string {
  const version = TAG.exec(tag)?.[1];
  if (version === undefined) throw new Error(`tag '${tag}' is no release: expected vMAJOR.MINOR.PATCH`);
  return version;
}

/** The tags that the image of a git tag gets: v1.2.3 is 1.2.3, 1.2, 1 and latest. */
export function imageTags(tag: string): readonly string[] {
  const version = versionOf(tag);
  const [major, minor] = version.split('.');
  return [version, `${major}.${minor}`, `${major}`, 'latest'];
}

/** The text below a version's heading in CHANGELOG.md. Throws where there is none, or where it still says `unreleased`. */
export function changelogSection(changelog: string, tag: string): string {
  const version = versionOf(tag);
  for (const section of changelog.split(/^## /m).slice(1)) {
    const [heading = '', ...lines] = section.split('\n');
    if (heading.split(/[ ,]/)[0] !== version) continue;
    if (heading.includes('unreleased'))
      throw new Error(`CHANGELOG.md: the heading of ${version} still says 'unreleased'`);
    const text = lines.join('\n').trim();
    if (text !== '') return text;
  }
  throw new Error(`CHANGELOG.md: no section for ${version}`);
}

/** Throws unless package.json has the version of the tag, which `sallyport --version` shows. */
export function checkVersion(packageVersion: string, tag: string): void {
  const version = versionOf(tag);
  if (packageVersion !== version)
    throw new Error(`package.json has version ${packageVersion}, and the tag is ${tag}`);
}

if (import.meta.main) {
  const [question, tag = ''] = process.argv.slice(2);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  checkVersion(version, tag);
  if (question === 'tags') console.log(imageTags(tag).join('\n'));
  else if (question === 'notes') console.log(changelogSection(readFileSync('CHANGELOG.md', 'utf8'), tag));
  else throw new Error(`'${question}': expected tags or notes`);
}
