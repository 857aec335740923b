#!/usr/bin/env bash
# The plan is pure as it was compiled: its objects call nothing that asks the world.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_builddir"

objects() { for folder; do find "src/$folder" -name '*.o'; done | sort; }
# `|| true`: an object without symbols of the kind is no failure
undefined() { nm -A --undefined-only "$@" | sed 's/:.* U / /; s/@.*//' || true; }
defined() { nm --defined-only --extern-only "$@" | awk 'NF == 3 { print $3 }' | sort -u; }

mapfile -t plan < <(objects plan)
mapfile -t below < <(objects base json spec)
mapfile -t sources < <(cd "$top_srcdir" && printf '%s\n' src/plan/*.c)

if [ ${#plan[@]} = 0 ]; then
  skip "the plan's objects are there" "nothing is built"
  finish
  exit
fi
none "every file of the plan was compiled, and nothing else" "$(apart "the build folder" <(printf '%s\n' "${plan[@]%.o}") \
  "the sources" <(printf '%s\n' "${sources[@]%.c}" | sort))"

# Files, processes, descriptors, users, the environment, the clock, chance.
banned='(open|open64|openat|openat64|creat|creat64|close|read|pread|write|pwrite|lseek|stat|fstat|lstat'
banned+='|fstatat|statx|stat64|fstat64|lstat64|fstatat64|__xstat.*|__lxstat.*|__fxstat.*|access|faccessat'
banned+='|euidaccess|readlink|readlinkat|realpath|__realpath_chk|opendir|fdopendir|readdir.*|scandir.*|glob'
banned+='|fopen|fopen64|fdopen|freopen|fread|fgets|getline|popen|system|ioctl|fcntl|fcntl64|dup.*|pipe.*'
banned+='|socket.*|connect|bind|accept.*|send.*|recv.*|poll|select|epoll.*|fork|vfork|clone|exec.*|posix_spawn.*'
banned+='|wait.*|kill|syscall|prctl|mount|umount.*|unshare|setns|mmap.*|statfs.*|fstatfs.*|statvfs.*|fstatvfs.*'
banned+='|getenv|secure_getenv|environ|__environ|setenv|getpid|getppid|get[e]?[ug]id|getres[ug]id|getgroups'
banned+='|getpw.*|getgr.*|getlogin.*|uname|gethostname|sysconf|getrlimit.*|getcwd|get_current_dir_name'
banned+='|time|clock|clock_.*|gettimeofday|localtime.*|rand.*|srand.*|getrandom|getentropy'
banned+='|g_getenv|g_get_(environ|home_dir|user_.*|host_name|current_dir|tmp_dir|prgname|real_time|monotonic_time'
banned+='|real_name|system_.*|os_info)|g_listenv|g_file_.*|g_open.*|g_fopen|g_stat|g_lstat|g_access|g_dir_.*'
banned+='|g_spawn.*|g_date_time_new_now.*|g_random.*|g_rand_.*|g_timer_.*|g_find_program.*|dlopen)'
none "the plan calls nothing that asks the world" \
  "$(undefined "${plan[@]}" | grep -E " $banned\$" || true)"

# Of the layers below, it may use what computes, and the one function that closes what the facts hold.
impure=$(for object in "${below[@]}"; do
  if undefined "$object" | grep -qE " $banned\$"; then defined "$object"; fi
done | grep -vx fd_clear | sort -u)
check "the list knows the layers below" grep -qx fd_read_all <<<"$impure"
none "the plan calls no function of an object that does" \
  "$(undefined "${plan[@]}" | awk 'NR == FNR { bad[$1]; next } $2 in bad' <(echo "$impure") -)"
finish
