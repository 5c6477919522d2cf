/** Resolving: requirements to pylock.toml with uv, Debian packages to their lock. */
export {};
