# Sourced by the scripts that try things on a bare Debian: how they answer to --help, and what they say when something is
# missing. Not a script of its own.

# begin COUNT "$@": at most COUNT arguments. --help prints the comment at the top of the calling script.
begin() {
  local most=$1
  shift
  case ${1:-} in
    -h | --help)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*)
      echo "$0: there is no option $1; $0 --help says what there is" >&2
      exit 2
      ;;
  esac
  if [ $# -gt "$most" ]; then
    echo "$0: too many arguments; $0 --help says which there are" >&2
    exit 2
  fi
}

# needs [root] PROGRAM[=DEBIAN-PACKAGE]...: all that is missing in one sentence. Exit code 77 is "not run", which is not
# "passed".
needs() {
  local need program missing=()
  for need in "$@"; do
    program=${need%%=*}
    if [ "$program" = root ]; then
      [ "$(id -u)" = 0 ] || missing+=("root's rights (run it with sudo)")
    elif ! command -v "$program" >/dev/null; then
      missing+=("$program (${need#*=})")
    fi
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  local list
  list=$(printf ', %s' "${missing[@]}")
  echo "$0: not run, for want of ${list#, }" >&2
  exit 77
}
