#!/usr/bin/env bash
# One private RabbitMQ node for the tests; all of its state lives in DIR, all of its ports are free loopback ones.
#
#   rabbitmq.sh install      the Debian package, without its system service
#   rabbitmq.sh start DIR    makes the node the first time, keeps its data later; prints NAME=VALUE facts
#   rabbitmq.sh kill DIR     SIGKILL, data kept
#   rabbitmq.sh stop DIR     kill, and end the node's port mapper too
#   rabbitmq.sh ctl DIR ...  rabbitmqctl for that node
set -euo pipefail

home=/usr/lib/rabbitmq/bin

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else
    echo "rabbitmq-server is not installed and this user cannot install it; run: apt-get install rabbitmq-server" >&2
    exit 3
  fi
}

install_node() {
  [ -x "$home/rabbitmq-server" ] && return
  as_root apt-get update -qq
  # RUNLEVEL=1: the package must not start a service of its own.
  as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rabbitmq-server >&2
}

free_ports() {
  python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(4)]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])
PY
}

make_node() {
  local amqp manage peers mapper
  read -r amqp manage peers mapper < <(free_ports)
  mkdir -p "$dir"/{data,log,home}
  printf '%s\n' "AMQP_PORT=$amqp" "MANAGE_PORT=$manage" "PEER_PORT=$peers" "MAPPER_PORT=$mapper" >"$dir/ports"
  printf '[rabbitmq_management].\n' >"$dir/plugins"
  {
    echo "listeners.tcp.1 = 127.0.0.1:$amqp"
    echo "management.tcp.ip = 127.0.0.1"
    echo "management.tcp.port = $manage"
    echo "log.console = true"
    echo "log.console.level = warning"
    echo "log.file = false"
    echo "disk_free_limit.absolute = 64MB"
    echo "collect_statistics_interval = 1000"
  } >"$dir/node.conf"
}

# What the node and its tools have to agree on; nothing of /etc/rabbitmq is read.
enter() {
  # shellcheck disable=SC1091
  . "$dir/ports"
  export HOME="$dir/home" RABBITMQ_NODENAME="orderhub$AMQP_PORT@localhost" RABBITMQ_DIST_PORT="$PEER_PORT"
  export RABBITMQ_CONFIG_FILE="$dir/node.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/plugins"
  export RABBITMQ_CONF_ENV_FILE="$dir/absent" RABBITMQ_ADVANCED_CONFIG_FILE="$dir/absent"
  export RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_PID_FILE="$dir/erlang.pid"
  export ERL_EPMD_PORT="$MAPPER_PORT" ERL_EPMD_ADDRESS=127.0.0.1
  # Without this the distribution port listens on every interface.
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
}

# A zombie is gone: SIGKILLed processes stay in the table until they are reaped.
alive() { grep -Eqs '^State:[[:space:]]+[^ZX]' "/proc/$1/status"; }

# The AMQP listener opens last; it answers the protocol header with a method frame (type 1).
wait_until_ready() {
  python3 - "$AMQP_PORT" "$(cat "$dir/pid")" "$dir/node.log" <<'PY'
import os, socket, sys, time
port, pid, log = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
deadline = time.monotonic() + 90
while time.monotonic() < deadline:
    if not os.path.exists(f"/proc/{pid}"):
        sys.exit(f"RabbitMQ ended while starting; see {log}")
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as peer:
            peer.settimeout(5)
            peer.sendall(b"AMQP\x00\x00\x09\x01")
            if peer.recv(1) == b"\x01":
                sys.exit(0)
    except OSError:
        pass
    time.sleep(0.05)
sys.exit(f"RabbitMQ did not answer within 90 s; see {log}")
PY
}

start() {
  install_node
  mkdir -p "$dir"
  [ -f "$dir/ports" ] || make_node
  enter
  if ! { [ -f "$dir/pid" ] && alive "$(cat "$dir/pid")"; }; then
    # RABBITMQ_ALLOW_INPUT lets the script become the Erlang VM, so that $! is the node itself.
    setsid env RABBITMQ_ALLOW_INPUT=1 "$home/rabbitmq-server" -noinput </dev/null >>"$dir/node.log" 2>&1 &
    echo $! >"$dir/pid"
    wait_until_ready
  fi
  echo "ORDERHUB_TEST_AMQP=amqp://guest:guest@127.0.0.1:$AMQP_PORT/%2f"
  echo "ORDERHUB_TEST_AMQP_MANAGEMENT=http://guest:guest@127.0.0.1:$MANAGE_PORT"
}

kill_node() {
  [ -f "$dir/pid" ] || return 0
  local pid
  pid=$(cat "$dir/pid")
  kill -KILL "$pid" 2>/dev/null || true
  while alive "$pid"; do sleep 0.05; done
  rm -f "$dir/pid" "$dir/erlang.pid"
}

verb=${1:?install, start, kill, stop or ctl}
if [ "$verb" = install ]; then install_node; exit; fi
dir=$(realpath -m "${2:?a folder for the node}")
case $verb in
  start) start ;;
  kill) kill_node ;;
  stop) kill_node; [ -f "$dir/ports" ] && { enter; epmd -port "$MAPPER_PORT" -kill >/dev/null 2>&1 || true; } ;;
  ctl) enter; shift 2; exec "$home/rabbitmqctl" -n "$RABBITMQ_NODENAME" "$@" ;;
  *) echo "unknown verb $verb" >&2; exit 2 ;;
esac
