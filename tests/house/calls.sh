#!/usr/bin/env bash
# Calls that are banned everywhere, or outside the places that are made for them, each with why.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"

sample=$(mktemp --suffix=.c)
trap 'rm -f "$sample"' EXIT

# calls FUNCTION...: lines of the files of standard input that call one of them. A call has a space
# before its parenthesis; comments and strings are dropped.
calls() {
  xargs env names="$(IFS='|' && echo "$*")" awk '
    FNR == 1 { comment = 0 }
    {
      text = $0
      if (comment) { if (!sub (/.*\*\//, "", text)) next; comment = 0 }
      gsub (/"([^"\\]|\\.)*"/, "\"\"", text)
      gsub (/\/\*([^*]|\*[^\/])*\*\//, "", text)
      if (sub (/\/\*.*/, "", text)) comment = 1
      if (text ~ "(^|[^A-Za-z0-9_.>])(" ENVIRON["names"] ") ?\\(") print FILENAME ":" FNR ": " $0
    }'
}

# finds FUNCTION...: whether each is found where it is planted, and nothing else is.
finds() {
  printf '  x = a (%s (1));\n' "$@" >"$sample"
  printf '  /* %s (1) */ "%s (1)" x_%s (1) x.%s (1)\n' "$1" "$1" "$1" "$1" >>"$sample"
  [ "$(echo "$sample" | calls "$@" | wc -l)" = $# ]
}

# banned WHAT FUNCTION...: but for the files, or folders with a slash, that standard input names, a
# line each with the reason; who has no such call stands there no more.
banned() {
  local what=$1 found file why exceptions=()
  shift
  found=$(sources src | calls "$@")
  while read -r file why; do
    exceptions+=(-e "$file")
    if [ -z "$why" ] || ! grep -qF "$file" <<<"$found"; then
      not_ok "$what: an exception without need, or without a reason" "$file"
    fi
  done
  [ ${#exceptions[@]} = 0 ] || found=$(grep -vF "${exceptions[@]}" <<<"$found" || true)
  if finds "$@"; then none "$what" "$found"; else not_ok "$what" "what is planted is not found: $*"; fi
}

# --- everywhere ---

banned "no unbounded string functions" strcpy strcat stpcpy strncpy strncat sprintf vsprintf gets \
  strtok alloca g_alloca g_newa strdupa strndupa </dev/null
banned "no shell" system popen wordexp g_spawn_command_line_sync g_spawn_command_line_async </dev/null
banned "nobody is spawned but by base/spawn" g_spawn_async g_spawn_sync g_spawn_async_with_fds \
  g_spawn_async_with_pipes posix_spawn posix_spawnp g_subprocess_new g_subprocess_newv \
  g_subprocess_launcher_new </dev/null
banned "no thread of ours" g_thread_new g_thread_try_new g_thread_pool_new pthread_create \
  g_task_run_in_thread </dev/null
banned "nothing is left to chance" rand rand_r random srand srandom drand48 lrand48 g_random_int \
  g_random_int_range g_random_double g_rand_new </dev/null
banned "no name in a shared folder" mktemp tmpnam tempnam tmpfile mkstemp mkostemp mkdtemp g_mkstemp \
  g_mkdtemp g_dir_make_tmp g_file_open_tmp g_get_tmp_dir </dev/null
banned "each descriptor is close-on-exec from birth" dup pipe accept creat epoll_create inotify_init \
  fopen freopen </dev/null
banned "handlers have their flags" signal bsd_signal sigset siginterrupt </dev/null

# --- in the places that are made for them ---

banned "the environment is read in one place" getenv secure_getenv g_getenv g_get_environ setenv \
  unsetenv putenv g_setenv clearenv <<'END'
src/base/env.c      is that place
END
banned "signals go through pidfds" kill killpg tgkill tkill raise <<'END'
src/base/spawn.c    children that have not been reaped: their numbers stay theirs
src/init/hooks.c    the same, and their groups
src/run/console.c   this process itself, which its shell stops
END
banned "a number has a strict reader" atoi atol atoll atof strtol strtoll strtoul strtoull strtod \
  strtof <<'END'
src/base/proc.c     NSpid of /proc/PID/status, whose digits have been counted
src/run/bwrap.c     a list of pids, as the kernel writes it
END
banned "only what the kernel or a tool has written is scanned" sscanf scanf fscanf vsscanf <<'END'
src/base/proc.c     /proc/PID/stat
src/cgroup/stats.c  the numbers of a device in a file of a cgroup
src/host/cgroups.c  the same in /proc/self/mountinfo
src/host/machine.c  /proc/self/uid_map; the kernel's release
src/host/problems.c the version of bwrap
src/run/exec.c      /proc/PID/uid_map
END
banned "the init ends under any filter, by sys_exit" _exit exit _Exit quick_exit abort <<'END'
src/base/           before a filter, as all below
src/host/           the same
src/run/            the same
END
banned "descriptors are closed by their variables" close close_range closefrom <<'END'
src/base/fd.c       autofd is made here
src/base/spawn.c    a child before its program
src/init/           has no GLib, and ends with the first error
END
banned "memory is freed by its variables" free realloc <<'END'
src/companion/users.c  what libsubid has allocated
END
banned "what loads plugins at run time is the companion's" dlopen dlsym getpwuid getpwnam getpwent \
  getpwuid_r getpwnam_r getgrgid getgrnam getgrouplist initgroups getaddrinfo gethostbyname \
  iconv_open setlocale <<'END'
src/companion/users.c  names of users, libsubid
END
banned "PATH is searched for no program of ours" execvp execvpe execlp g_find_program_in_path <<'END'
src/run/unshare.c   the words of the caller, with the caller's rights
END

# --- paths ---
#
# What is below a container's root is reached by a descriptor of it: openat2 (2) in src/init/walk.c,
# and in src/host/ where the plain mode looks at it.

# The init works in the image alone once it has pivoted.
banned "nothing is made or changed by a path alone" mkdir mknod mkfifo symlink link rename unlink \
  rmdir remove chmod chown lchown truncate utime utimes setxattr lsetxattr g_mkdir \
  g_mkdir_with_parents g_unlink g_remove g_rename g_file_set_contents <<'END'
src/init/           before the pivot in a tmpfs of its own, behind it in the container
END
banned "what is opened by a path is none of an image" open open64 opendir <<'END'
src/base/fd.c       /dev/null, /proc; what the caller names
src/base/log.c      the caller's log
src/base/spawn.c    /proc/self/timens_offsets
src/cgroup/dir.c    a cgroup, never through a link
src/companion/spec.c the bundle of `spec`
src/host/bundle.c   sources, the bundle, namespaces: as the caller names them, O_PATH
src/host/bwrap.c    /dev/null
src/host/netdevices.c our own network namespace
src/host/overlay.c  /dev/fuse; in a child: its /proc, and layers as the caller names them, O_PATH
src/host/paths.c    /proc, /sys; a source whose links the kernel has resolved
src/host/subid.c    the folder of the caller's program
src/host/systemd.c  the root that the facts have opened
src/run/bwrap.c     /dev/null, our init, /proc/PID
src/run/console.c   /dev/tty
src/run/exec.c      /proc
src/run/fuse.c      /dev/null
src/run/hooks.c     logs that crun's annotations name; the working directory
src/run/idmap.c     /proc/PID/uid_map, /proc/PID/ns/user
src/run/handed.c  a source whose links the kernel has resolved
src/run/initfile.c  a file without a name, in /dev/shm
src/run/netdevices.c namespaces in /proc
src/run/passfd.c    the socket that the caller names, O_PATH
src/run/pidfile.c   the folder of the caller's pid file
src/run/processes.c /proc, /proc/PID/ns
src/run/store.c     the state root, never through a link
src/run/targets.c   a source whose links the kernel has resolved
src/run/work.c      the bundle
src/init/           behind the pivot in the container; before it /proc/self and what bwrap has bound
END
banned "what is looked at by a path is none of an image" stat lstat access statfs statvfs readlink \
  realpath canonicalize_file_name g_file_test g_file_get_contents g_stat g_lstat g_access <<'END'
src/base/proc.c     /proc/PID/ns
src/base/self.c     our own programs
src/cgroup/make.c   a folder of the cgroup file system
src/companion/spec.c /sys/fs/cgroup
src/host/bundle.c   the bundle; where a descriptor leads, and whether the folders above let ids pass
src/host/bwrap.c    bwrap
src/host/cgroups.c  mount points of the cgroup file system
src/host/machine.c  newuidmap and newgidmap
src/host/netdevices.c our own network namespace
src/host/security.c /sys/fs/selinux
src/host/systemd.c  where the descriptor of the root leads
src/run/cgroup.c    a folder of the cgroup file system
src/run/layer.c     a folder of --overlay, which has to be the one of the facts
src/run/record.c    /proc/PID/ns
src/run/unit.c      the bundle
src/init/           behind the pivot in the container; before it /proc/self
END
banned "nothing is mounted by a path" mount umount umount2 chroot pivot_root <<'END'
src/base/spawn.c    the propagation of a mount namespace of its own
src/host/overlay.c  in a mount namespace of a child's own
END
banned "the working directory is the caller's" chdir fchdir <<'END'
src/base/spawn.c    a child's
src/run/hooks.c     that of hooks; and back
src/init/           the container's
END

# --- what is no call ---

# found PATTERN EXCEPTION SAMPLE: lines of the sources; the sample has to be like them.
found() {
  echo "$3" >"$sample"
  grep -qE "$1" "$sample" || echo "what is planted is not found: $3"
  sources src | xargs grep -nE "$1" | grep -vE "$2" || true
}
none "no goto but to fail" "$(found '\bgoto +[a-z_]+' 'goto fail;' '  goto out;')"
# A socket of systemd may be one, and is named by it.
none "no abstract socket" \
  "$(found 'sun_path\[0\] *=|sun_path \+ 1' '^src/run/notify\.c' "  a.sun_path[0] = '\\0';")"
# those of the plan are the container's
none "no path in a shared folder" "$(found '"/(var/)?tmp[/"]' '^src/plan/' '  open ("/tmp/x"')"

none "the plan is pure: it asks nothing of the world" "$(sources src/plan | calls \
  open openat openat2 creat read write stat lstat fstat fstatat statx access faccessat readlink \
  readlinkat opendir fopen ioctl socket fork execve getuid geteuid getgid getegid getpid uname \
  time clock_gettime gettimeofday g_get_real_time g_get_monotonic_time g_date_time_new_now_utc \
  g_file_test g_file_get_contents getpwuid getpwnam getcwd g_get_current_dir syscall)"
# bsearch (3) misses without a word what is not in order.
none "mount options are in the order of their names" "$(sed -n '/ options_table\[\]/,/^};/s/^  { "\([^"]*\)".*/\1/p' \
  "$top_srcdir/src/plan/mount_options.c" | LC_ALL=C sort --check 2>&1 || true)"
finish
