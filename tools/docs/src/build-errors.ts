/** What each failure at an engine, a registry or the state means, for docs/reference/diagnostics.md. */

import { row, type FailureGroup } from './build-error-row.ts';
import { DSS_ERRORS } from './build-errors-dss.ts';

/** Every failure, grouped by where it happens. */
export const FAILURES: readonly FailureGroup[] = [
  {
    title: 'Registries',
    rows: [
      row(
        'REGISTRY_DENIED',
        'The registry refuses: no login, a wrong one, or one without the right.',
        'Log in with `docker login`, or give the login the right to pull and push.',
      ),
      row(
        'REGISTRY_UNREACHABLE',
        'The registry does not answer, or answers with a server error.',
        'Check its address and the network, then run again.',
      ),
      row(
        'REGISTRY_TLS',
        'The certificate of the registry cannot be trusted, or it speaks plain HTTP.',
        'Name its authority with `ca`; for plain HTTP set `insecure: true`.',
      ),
      row('REGISTRY_BUSY', 'The registry asks to come back later.', 'Wait, or lower `--parallelism`.'),
      row(
        'REGISTRY_REFUSED',
        'The registry refuses the request itself.',
        'Read its words; it may forbid moving tags, or deleting.',
      ),
      row(
        'PRE_PUSH_FAILED',
        'The pre-push hook of a repository failed, so that nothing was pushed into it.',
        'Its own words say why; correct the script or the login of the cloud’s command, then run again.',
      ),
      row(
        'REGISTRY_NOT_FOUND',
        'A repository or manifest that was there is gone, or was never there.',
        'Plan again; create the repository where the registry wants that first.',
      ),
      row(
        'REGISTRY_CORRUPT',
        'What the registry sent does not fit its digest, or is no manifest.',
        'Run again; if it stays, the registry or a proxy before it is broken.',
      ),
      row(
        'PLATFORM_MISSING',
        'A reference is there, but has no image for the platform.',
        'Name an image that has the platform.',
      ),
      row(
        'EXTERNAL_NOT_FOUND',
        'An image of somebody else that the declaration names is not in its registry.',
        'Correct the reference.',
      ),
      row(
        'REFERENCE_INVALID',
        'A registry host, repository, tag or digest is not well formed.',
        'Correct it in the declaration.',
      ),
      row(
        'CREDENTIALS_CONFIG',
        "Docker's `config.json` cannot be understood.",
        'Correct the file, or name another folder with `DOCKER_CONFIG`.',
      ),
      row(
        'CREDENTIALS_HELPER_MISSING',
        "A credential helper that Docker's config names is not on the PATH.",
        'Install `docker-credential-NAME`, or take it out of the config.',
      ),
      row(
        'CREDENTIALS_HELPER_FAILED',
        'A credential helper failed, or answered with nothing usable.',
        'Read its words; log in again.',
      ),
    ],
  },
  {
    title: 'Engines and builders',
    rows: [
      row(
        'ENGINE_UNREACHABLE',
        'The engine or daemon of a builder does not answer, or refuses to be spoken to. The words are those of whoever refused: the engine, TLS, ssh, kubectl.',
        'Start it, or correct the options of the builder, `DOCKER_HOST`, `BUILDKIT_HOST` or `CONTAINER_HOST`, or the Docker context; follow its words.',
      ),
      row(
        'ENGINE_LOST',
        'The connection to the engine broke while it worked.',
        'Apply again: what it finished all the same is adopted.',
      ),
      row('ENGINE_REFUSED', 'The engine refuses a request.', 'Read its words.'),
      row(
        'ENGINE_FULL',
        "The engine's disk is full.",
        'Make room, for example with `docker system prune`; published images are not needed in the engine.',
      ),
      row(
        'ENGINE_UNSUPPORTED',
        'The engine lacks what rebake needs: BuildKit inside of it, a known platform, or images under their config digest.',
        'Use Docker 20.10 or later; follow its words.',
      ),
      row(
        'ENGINE_ANSWER_INVALID',
        'The engine answered with something that cannot be.',
        'Check that the address is that of an engine of the kind that the builder is for.',
      ),
      row(
        'STEP_FAILED',
        'A step of a build ended with an exit code. Its last lines follow.',
        'Read the last lines, or the whole log file; correct packages, script or fragment.',
      ),
      row('BUILD_REFUSED', 'The engine could not build, before or between steps.', 'Read its words.'),
      row('INPUT_MOVED', 'A file changed between planning and building.', 'Plan again.'),
      row(
        'PARENT_ELSEWHERE',
        'The image that is built from is only in the engine of another builder.',
        'Publish it to a registry, or build both with one builder.',
      ),
      row('PARENT_MISSING', 'The image that is built from is not where it was.', 'Plan again.'),
      row(
        'PARENT_NOT_BELOW',
        'What was built does not begin with the layers of the image that it was to be built from.',
        'Something else moves candidate names in this engine; find it, then plan again.',
      ),
      row(
        'IMAGE_MISSING',
        'An image is gone from the engine.',
        'Plan again; check whether something prunes images meanwhile.',
      ),
      row(
        'IMAGE_IN_USE',
        'An image cannot be removed, because a container uses it.',
        'Stop the container, or let the image be.',
      ),
      row(
        'IDENTITY_CHANGED',
        'What was pushed, fetched or found is another image than the one that was built.',
        'Plan again; something else writes to the same repository or engine.',
      ),
      row(
        'IDENTITY_MISMATCH',
        'What was pulled is another image than the one that was to be pulled.',
        'Plan again; the repository was changed meanwhile.',
      ),
      row('NAME_INVALID', 'A name cannot name an image in an engine.', 'Correct repository or tag.'),
      row(
        'LOCATION_ELSEWHERE',
        'A builder was asked for an image that is in a registry.',
        'Report it: the kernel asks registries itself.',
      ),
      row(
        'BUILDER_ANSWER',
        'A builder answered with something that the contract does not allow.',
        'Report it to whoever wrote the plugin.',
      ),
      row('BUILDER_BROKEN', 'A builder failed in a way that it should not.', 'Report it to whoever wrote the plugin.'),
      row(
        'SPEC_INVALID',
        'A value of the declaration cannot stand in a Dockerfile.',
        'Correct the value; the words name it.',
      ),
      row(
        'STEP_UNSUPPORTED',
        'A builder cannot carry out a step, such as packages from a lock.',
        'Leave the field out, or choose another builder.',
      ),
      row('SECRET_MISSING', 'A secret that is declared is not there.', 'Set it, or mark it `optional`.'),
      row('SECRET_UNREADABLE', 'The file of a secret cannot be read.', 'Check its permissions.'),
      row(
        'NOT_OBSERVED',
        'Something was not looked at, because of `--refresh=false` or because nothing seemed to need it.',
        'Plan with refresh.',
      ),
    ],
  },
  {
    title: 'Image layouts',
    rows: [
      row(
        'LAYOUT_INVALID',
        'A directory is no OCI image layout of version 1, or a document in it is broken.',
        'Name an empty directory or a layout; its words say what is wrong. What is broken can be removed and built again.',
      ),
      row(
        'LAYOUT_UNUSABLE',
        'The operating system refuses to read or write a layout, or an entry of it is of the wrong kind.',
        'Check permissions, owner and mount; all who write to one layout have to be the same user.',
      ),
      row('LAYOUT_FULL', 'The disk or quota of a layout is full.', 'Make room, then run again: nothing torn is left.'),
      row(
        'LAYOUT_BUSY',
        'Another process has held the lock of a layout for too long.',
        'Look what hangs there; the lock ends with its process.',
      ),
      row(
        'BLOB_MISSING',
        'A part of an image is not in a layout.',
        'Build or fetch the image again; sweep only what is older than a build takes.',
      ),
      row(
        'BLOB_MISMATCH',
        'Content is not that of its digest or size.',
        'Remove the blob from `blobs/sha256`, and build or fetch the image again; if it comes back, check the disk.',
      ),
      row(
        'BLOB_BUSY',
        'A blob is being written under the same name, or a sweep or somebody else ended the write.',
        'Run again.',
      ),
    ],
  },
  {
    title: 'Cache and downloads',
    rows: [
      row(
        'CACHE_UNUSABLE',
        'The folder of the cache cannot be used: it is somebody else’s, holds something else, or the system refuses it.',
        'Name a folder of your own with `REBAKE_CACHE_DIR`. A cache whose database is broken can be deleted while no rebake runs.',
      ),
      row(
        'CACHE_FULL',
        'The disk of the cache has too little room left.',
        'Make room with `rebake prune`, or name a folder on another disk with `REBAKE_CACHE_DIR`.',
      ),
      row(
        'DOWNLOAD_FAILED',
        'A file could not be fetched: no answer, a broken connection, a server in trouble, a certificate that nobody trusts.',
        'Read the words: check the network and the proxy, name the authority, or run again; what has come is gone on with.',
      ),
      row(
        'DOWNLOAD_REFUSED',
        'A server or a proxy refuses a file: it is not there, or not for this login.',
        'Correct the address or the login; a file that a mirror has lost needs a new lock, or another mirror.',
      ),
    ],
  },
  {
    title: 'Archives and layers',
    rows: [
      row(
        'ARCHIVE_INVALID',
        'An archive (a rootfs, a saved image, a layer, a package) is torn, compressed in an unknown way, too large, or holds what it must not: paths out of it, an entry twice, something below a link, devices. The words name the archive and the entry.',
        'Make or download it again. One that was written so on purpose is not to be trusted.',
      ),
      row(
        'IMAGE_INVALID',
        'An image has a document or a file that cannot be: a config that is none, or a file of it is far larger than such files are.',
        'Read its words; build or fetch the image again.',
      ),
      row(
        'LAYERS_TOO_MANY',
        'An image would have more layers than Docker mounts (125).',
        'Give the embedded builder a lower `maxLayers`, and build the images below anew; or put fewer images on top of each other.',
      ),
      row(
        'LAYOUT_IMAGE_UNKNOWN',
        'A layout or an archive holds no image of the name that was asked for, or several and none was named.',
        'Name one of those in the words, as it is called there.',
      ),
    ],
  },
  {
    title: 'Python environments',
    rows: [
      row(
        'WHEEL_MISSING',
        'No file of the lock fits the interpreter, the platform or the glibc of the image. The words name the package, and what there is of it.',
        'Lock again for this base, take another version of the package, or name a base with the glibc it needs.',
      ),
      row(
        'WHEEL_INVALID',
        'A wheel breaks the rules for wheels: hashes of its RECORD, names that lead outside, another package or version than the lock says.',
        'Take another version of the package. Nothing of the wheel was used.',
      ),
      row(
        'SDIST_FAILED',
        'A package is there as source only, and its build fails, or nothing is there to build it. The words are those of the build.',
        'Follow them; take a version that has wheels.',
      ),
      row(
        'SDIST_COMPILES',
        'A package is there as source only, and has to be compiled, which needs an engine.',
        'Declare an engine as a builder, or take a version that has wheels.',
      ),
      row(
        'INTERPRETER_MISSING',
        'The image below an environment has not the Python that the environment wants.',
        'Add the version to `python` of the base, or correct `interpreter`.',
      ),
      row(
        'BYTECODE_UNAVAILABLE',
        'The interpreter of the image cannot run on this machine: another platform, or a part of it is missing.',
        'Set `bytecode: false`, or build on a machine of the same platform.',
      ),
    ],
  },
  {
    title: 'Debian packages',
    rows: [
      row(
        'DEBIAN_INDEX_INVALID',
        'The index of a mirror is not signed by a key of the suite, is not what was signed, has expired, or is older than the one before.',
        'Check the mirror and the clock; for a mirror with keys of its own name its `keyring`.',
      ),
      row(
        'DEBIAN_UNRESOLVABLE',
        'Debian has no such package, or no set of packages meets what all of them need.',
        'Do what the message says: another name, another version, or a lock of the image below first.',
      ),
      row(
        'DEB_INVALID',
        'A Debian package is broken, or would bring what no package may: paths that lead out, devices, a file of another package.',
        'Run `rebake lock` again; if it stays, the package needs a builder with an engine.',
      ),
      row(
        'DEB_PARENT_MISSING',
        'Debian packages are to be put on an image that has none, or that has one of them in another version.',
        'Run `rebake lock` again for this image, or build it on a Debian.',
      ),
      row(
        'MIRROR_MISSING',
        'Debian packages are to be fetched, and neither the declaration nor apt of this machine names a mirror.',
        'Name a `mirror`.',
      ),
    ],
  },
  DSS_ERRORS,
  {
    title: 'Runs and state',
    rows: [
      row(
        'PLAN_STALE',
        'A saved plan no longer fits the declaration or the state: exit code 3.',
        'Make it again with `rebake plan --out FILE`.',
      ),
      row(
        'STATE_LOCKED',
        'Another rebake is changing things: exit code 4.',
        'Wait until it ends; its lock ends with its process.',
      ),
      row('PLAN_EXCEEDED', 'A node needs more than the plan allows, because the world changed since.', 'Plan again.'),
      row(
        'TIMEOUT',
        "An action took longer than its builder's `timeout`.",
        'Raise `timeout`, or find out what hangs in the log file.',
      ),
      row(
        'MAX_FAILURES',
        'Too many nodes had failed before this one was started (`--max-failures`).',
        'Mend what failed, and apply again; it goes on from here.',
      ),
      row(
        'DEADLINE',
        'The time of the run was up before this node was started (`--deadline`).',
        'Apply again; it goes on from here.',
      ),
      row(
        'WAVE_FAILED',
        'A node of the first wave had failed before this one was started (`--wave`).',
        'Mend what failed, and apply again; it goes on from here.',
      ),
      row('INTERRUPTED', 'The run was interrupted before this node was done.', 'Apply again; it goes on from here.'),
      row(
        'STATE_UNREADABLE',
        '`.rebake/state.db` is broken.',
        'Restore it from a copy, or move it away and apply: what is in engines and registries is adopted.',
      ),
      row('STATE_TOO_NEW', 'The state was written by a newer rebake.', 'Use that one.'),
    ],
  },
];
