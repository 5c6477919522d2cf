# An sshd on a loopback port, with keys and config of its own. Who logs in finds the test engines: DOCKER_HOST, BUILDKIT_HOST, and
# the clients on the PATH.
# shellcheck shell=bash

SSH_SECRET=$SECRET/ssh
SSH_USER=root
SSH_ALIAS=rebake-engines

# Made once, beside its place and renamed.
provide_ssh_secrets() {
  local to=$SSH_SECRET name
  [[ ! -d $to ]] || return 0
  rm -rf "$to.new"
  mkdir "$to.new"
  for name in host user; do ssh-keygen -q -t ed25519 -N '' -C "rebake engines $name" -f "$to.new/$name"; done
  mv "$to.new" "$to"
}

# No PAM: it would bring in the machine's own rules for logins. StrictModes is about who can write the folders of a clone.
sshd_config() {
  cat <<CONFIG
ListenAddress 127.0.0.1:$1
HostKey $SSH_SECRET/host
AuthorizedKeysFile $SSH_SECRET/user.pub
StrictModes no
AuthenticationMethods publickey
PermitRootLogin prohibit-password
UsePAM no
PidFile none
PrintMotd no
PrintLastLog no
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
MaxStartups 100
MaxSessions 100
SetEnv DOCKER_HOST=unix://$DOCKER_SOCKET BUILDKIT_HOST=unix://$BUILDKIT_SOCKET CONTAINER_HOST=unix://$PODMAN_SOCKET "PATH=$ENGINES_PATH"
CONFIG
}

# For a client that is given nothing else (ssh -F): no file of a person's is read, no question is asked.
ssh_config() {
  cat <<CONFIG
Host $SSH_ALIAS 127.0.0.1 localhost
  HostName 127.0.0.1
  Port $1
  User $SSH_USER
  IdentityFile $SSH_SECRET/user
  IdentitiesOnly yes
  UserKnownHostsFile $DIR/ssh/known_hosts
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  BatchMode yes
CONFIG
}

# sshd speaks first. A login would tell more, and costs ten times as much.
ssh_answers() {
  local greeting
  { IFS= read -r -t 5 greeting <>"/dev/tcp/127.0.0.1/$(port_of ssh)"; } 2>/dev/null && [[ $greeting == SSH-2.0-* ]]
}

start_ssh() {
  local started port text=up
  started=$(now_ms)
  provide_ssh_secrets
  mkdir -p "$DIR/ssh"
  if ! { alive ssh >/dev/null && [[ $(sshd_config "$(port_of ssh)") == "$(<"$DIR/ssh/sshd_config")" ]] && ssh_answers; }; then
    stop ssh
    port=$(port ssh)
    sshd_config "$port" >"$DIR/ssh/sshd_config"
    ssh_config "$port" >"$DIR/ssh/config"
    printf '[127.0.0.1]:%s,[localhost]:%s %s\n' "$port" "$port" "$(<"$SSH_SECRET/host.pub")" >"$DIR/ssh/known_hosts"
    # sshd insists on this folder, which packages make at boot.
    mkdir -p -m 755 /run/sshd
    start ssh "$(command -v sshd)" -D -e -f "$DIR/ssh/sshd_config"
    wait_for ssh ssh_answers
    text=started
  fi
  report ssh "$started" "$text ssh://$SSH_USER@127.0.0.1:$(port_of ssh)"
}
