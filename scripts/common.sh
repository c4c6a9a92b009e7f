# Shared by quickstart, test and .ci/run. Sourced with bash -euo pipefail.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# install_for quickstart [test [ci]]: installs the packages of these groups that are missing.
install_for() {
  local missing=() group package
  while read -r group package; do
    case " $* " in *" $group "*) ;; *) continue ;; esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok' ||
      missing+=("$package")
  done < <(grep -v '^#' scripts/packages.txt)
  [ ${#missing[@]} -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log"
    echo "Installing failed. Install them by hand, then run this again: ${missing[*]}"
    exit 1
  fi
  rm -f "$log"
}

# configure PRESET [cmake options]: quiet unless it fails.
configure() {
  local log
  log=$(mktemp)
  if ! cmake --preset "$@" >"$log" 2>&1; then
    cat "$log"
    exit 1
  fi
  rm -f "$log"
}

# build PRESET TARGET...: with ninja's own progress on a terminal.
build() {
  local preset=$1
  shift
  if [ -t 1 ]; then
    cmake --build "build/$preset" --target "$@"
  else
    NINJA_STATUS='[%f/%t] ' cmake --build "build/$preset" --target "$@" | show_progress
  fi
}

# Off a terminal: every 25th step, and everything that is not a step.
show_progress() {
  awk '!/^\[[0-9]+\/[0-9]+\]/ { print; fflush(); next }
       { n++; if (n % 25 == 1) { print; fflush() } }'
}
