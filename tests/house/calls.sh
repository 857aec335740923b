#!/usr/bin/env bash
# Calls that are banned everywhere, or outside the one place that is made for them.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"

# calls WHERE-NOT FUNCTION...: lines that call one of them outside the files of a pattern.
# A call has a space before its parenthesis; comments are dropped.
calls() {
  local except=$1
  shift
  sources src | grep -vE "^(${except:-nothing})$" | xargs env names="$(IFS='|' && echo "$*")" awk '
    FNR == 1 { comment = 0 }
    {
      text = $0
      if (comment) { if (!sub (/.*\*\//, "", text)) next; comment = 0 }
      gsub (/\/\*([^*]|\*[^\/])*\*\//, "", text)
      if (sub (/\/\*.*/, "", text)) comment = 1
      gsub (/"([^"\\]|\\.)*"/, "\"\"", text)
      if (text ~ "(^|[^A-Za-z0-9_.>])(" ENVIRON["names"] ") ?\\(") print FILENAME ":" FNR ": " $0
    }'
}

# banned WHY EXCEPT FUNCTION...
banned() { none "$1" "$(calls "${@:2}")"; }

banned "no unbounded string functions" "" strcpy strcat stpcpy sprintf vsprintf gets
banned "no shell" "" system popen wordexp g_spawn_command_line_sync g_spawn_command_line_async
banned "no thread and no GSubprocess outside the companion" 'src/companion/.*' \
  g_thread_new pthread_create g_subprocess_new g_subprocess_newv g_spawn_async g_spawn_sync
banned "the environment is read in one place" "src/base/env\.c" \
  getenv secure_getenv g_getenv g_get_environ setenv unsetenv putenv g_setenv clearenv
banned "signals go through pidfds" "src/(base/spawn|init/hooks)\.c" kill killpg tgkill tkill
# The init works in the image alone once it has pivoted.
banned "nothing is made or changed by a path alone" "src/init/.*" \
  mkdir mknod mkfifo symlink link rename unlink rmdir remove chmod chown lchown truncate \
  g_mkdir g_mkdir_with_parents g_unlink g_remove g_rename g_file_set_contents
banned "no name in a shared folder" "" mktemp tmpnam tempnam tmpfile mkstemp mkdtemp g_mkstemp \
  g_dir_make_tmp g_file_open_tmp g_get_tmp_dir
# those of the plan are the container's
none "no path in a shared folder" "$(sources src | grep -v '^src/plan/' | xargs grep -nE '"/(var/)?tmp[/"]' || true)"

plan_calls() {
  sources src | grep -v '^src/plan/' | paste -sd'|' | {
    read -r others
    calls "$others" "$@"
  }
}
none "the plan is pure: it asks nothing of the world" "$(plan_calls \
  open openat openat2 creat read write stat lstat fstat fstatat statx access faccessat readlink \
  readlinkat opendir fopen ioctl socket fork execve getuid geteuid getgid getegid getpid uname \
  time clock_gettime gettimeofday g_get_real_time g_get_monotonic_time g_date_time_new_now_utc \
  g_file_test g_file_get_contents getpwuid getpwnam getcwd g_get_current_dir syscall)"
# bsearch (3) misses without a word what is not in order.
none "mount options are in the order of their names" "$(sed -n '/ options_table\[\]/,/^};/s/^  { "\([^"]*\)".*/\1/p' \
  "$top_srcdir/src/plan/mount_options.c" | LC_ALL=C sort --check 2>&1 || true)"
finish
