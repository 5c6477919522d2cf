/**
 * The scripts that steps run, as files of the build context. They get every value as an argument or in a file, so that nothing is ever put
 * together into a command, and they write all that the tools say to the build's log.
 */

/**
 * Where the files of a step can be read while it runs. Like the secrets it is below /dev, which is no part of an image: elsewhere the
 * engine leaves the mount point behind as an empty directory, and whether a secret was given would show in the layer.
 */
export const MOUNT = '/dev/rebake/step';

/** Secret mounts that scripts use when they are given. A certificate is no secret to the users that package managers run downloads as. */
export const SECRET_MOUNTS = {
  ca: '--mount=type=secret,id=ca,target=/dev/rebake/ca,mode=0444',
  'pip-conf': '--mount=type=secret,id=pip-conf,target=/dev/rebake/pip-conf',
  'apt-conf': '--mount=type=secret,id=apt-conf,target=/dev/rebake/apt-conf',
  'r-profile': '--mount=type=secret,id=r-profile,target=/dev/rebake/r-profile',
} as const;

const USE_CA = `if [ -f /dev/rebake/ca ]; then
  export SSL_CERT_FILE=/dev/rebake/ca CURL_CA_BUNDLE=/dev/rebake/ca REQUESTS_CA_BUNDLE=/dev/rebake/ca PIP_CERT=/dev/rebake/ca
fi
`;

const USE_PIP_CONF = `if [ -f /dev/rebake/pip-conf ]; then
  export PIP_CONFIG_FILE=/dev/rebake/pip-conf
fi
`;

/** Arguments: names of packages. */
export const APT = `#!/bin/sh
# Installs Debian packages. Arguments: their names.
set -eu
export DEBIAN_FRONTEND=noninteractive
if [ -f /dev/rebake/apt-conf ]; then
  export APT_CONFIG=/dev/rebake/apt-conf
fi
ca=
if [ -f /dev/rebake/ca ]; then
  ca=Acquire::https::CAInfo=/dev/rebake/ca
fi
apt-get -o Acquire::Languages=none \${ca:+-o "$ca"} update
apt-get \${ca:+-o "$ca"} install --yes --no-install-recommends -- "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig/aux-cache
`;

/** Arguments: names of packages. */
export const DNF = `#!/bin/sh
# Installs packages of the Red Hat family. Arguments: their names.
set -eu
tool=dnf
command -v dnf >/dev/null 2>&1 || tool=microdnf
command -v "$tool" >/dev/null 2>&1 || tool=yum
set -- --setopt=install_weak_deps=0 install "$@"
if [ -f /dev/rebake/ca ]; then
  set -- --setopt=sslcacert=/dev/rebake/ca "$@"
fi
"$tool" -y "$@"
"$tool" clean all
rm -rf /var/cache/dnf /var/cache/yum /var/log/dnf* /var/log/yum.log /var/log/hawkey.log
`;

/** Arguments: name, uid, gid, home. */
export const USER = `#!/bin/sh
# Makes a user whose home any uid of group 0 can write to. Arguments: name, uid, gid, home.
set -eu
name=$1 uid=$2 gid=$3 home=$4
if ! getent group "$gid" >/dev/null; then
  groupadd --gid "$gid" "$name"
fi
if [ "$(getent passwd "$uid" | cut -d : -f 1)" != "$name" ]; then
  useradd --no-log-init --no-create-home --uid "$uid" --gid "$gid" --home-dir "$home" --shell /bin/sh "$name"
fi
mkdir -p "$home"
chown "$uid:0" "$home"
chmod 775 "$home"
`;

/** Arguments: interpreter, prefix, `bytecode` or `no-bytecode`. */
export const PYTHON_ENV = `#!/bin/sh
# Makes a virtual environment with the packages of requirements.txt. Arguments: interpreter, prefix, bytecode or no-bytecode.
set -eu
interpreter=$1 prefix=$2 bytecode=$3
here=$(dirname "$0")
export PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off PYTHONHASHSEED=0
${USE_CA}${USE_PIP_CONF}"$interpreter" -I -m venv "$prefix"
if [ -s "$here/requirements.txt" ]; then
  "$prefix/bin/python" -I -m pip install --no-cache-dir --no-compile -r "$here/requirements.txt"
fi
"$prefix/bin/python" -I -B "$here/bytecode.py" "$prefix" "$bytecode"
`;

/** Arguments: prefix, `bytecode` or `no-bytecode`. Python 3.6 knows no hash-based files. */
export const BYTECODE = `"""Removes all bytecode below a prefix, and compiles it anew if asked: by hashes that nobody checks, so that times do not count."""
import os
import shutil
import sys

prefix, wanted = sys.argv[1:]
for folder, folders, _ in os.walk(prefix):
    if "__pycache__" in folders:
        folders.remove("__pycache__")
        shutil.rmtree(os.path.join(folder, "__pycache__"))

if wanted == "bytecode":
    import compileall

    options = {"quiet": 2, "force": True, "workers": 0}
    if sys.version_info >= (3, 7):
        import py_compile

        options["invalidation_mode"] = py_compile.PycInvalidationMode.UNCHECKED_HASH
    # Some packages hold files of other versions of Python; they are no error when pip compiles, either.
    compileall.compile_dir(os.path.join(prefix, "lib"), **options)
`;

/** Arguments: library. */
export const R_PACKAGES = `#!/bin/sh
# Installs R packages from CRAN. Arguments: library.
set -eu
here=$(dirname "$0")
${USE_CA}if [ -f /dev/rebake/r-profile ]; then
  export R_PROFILE_USER=/dev/rebake/r-profile
fi
Rscript "$here/cran.R" "$here/packages.txt" "$1"
`;

/** Arguments: file of names, library. `install.packages` only warns when a package fails, so what is there afterwards is what counts. */
export const CRAN = `arguments <- commandArgs(trailingOnly = TRUE)
wanted <- readLines(arguments[[1]])
library_path <- arguments[[2]]
if (identical(unname(getOption("repos")["CRAN"]), "@CRAN@")) {
  stop("no CRAN mirror is set: set options(repos) in the image's Rprofile.site or in the secret r-profile")
}
dir.create(library_path, recursive = TRUE, showWarnings = FALSE)
.libPaths(c(library_path, .libPaths()))
install.packages(wanted, lib = library_path, Ncpus = max(1L, parallel::detectCores(), na.rm = TRUE))
missing_packages <- setdiff(wanted, rownames(installed.packages(lib.loc = library_path)))
if (length(missing_packages) > 0) {
  message("not installed: ", paste(missing_packages, collapse = ", "))
  quit(status = 1)
}
`;

/** Arguments: a command and its arguments. */
export const RUN = `#!/bin/sh
# Runs a command with the certificates and the pip configuration of the machine, where they are given. Arguments: the command.
set -eu
${USE_CA}${USE_PIP_CONF}exec "$@"
`;
