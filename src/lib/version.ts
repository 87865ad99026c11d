import manifest from '../../package.json' with { type: 'json' };

/** The git revision of a release, which `npm run build` takes from the environment; empty in other builds, absent without a build. */
declare const REVISION: string | undefined;

/** The version in package.json, with the revision where the build was told one. */
export const version =
  typeof REVISION === 'string' && REVISION !== '' ? `${manifest.version} (${REVISION})` : manifest.version;
