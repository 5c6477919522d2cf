/** The words of the schema, without the validator: what start-up and the rules need of it. */

/** What a template may refer to: the only interpolation there is. */
export const RELEASE_VERSION = '${release.version}';

/** Version of the shape of validated declarations; part of the load cache's key, raised whenever `Config` changes. */
export const SCHEMA_VERSION = 1;
