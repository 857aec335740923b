/* The instructions of bwrap-oci-init and its talk with the runtime: the one header
 * that plan/ and init/ share.
 *
 * The instructions are one block of bytes in a sealed memfd: a header and then
 * records, each of a fixed part, numbers, raw data and strings. They are carried out
 * in order. A record names the row of the Plan it belongs to, so that a failure comes
 * back as {row, step, errno} and the runtime, which knows the row's JSON pointer, can
 * say what went wrong.
 *
 * Both sides are built together and installed together: the format has no versions,
 * only a magic number that changes with it. */
#pragma once

#include <stdint.h>

#define OPS_MAGIC 0x62774f09u

/* The step that fails where the init may not do what a user namespace's root may. */
#define INIT_RESTRICTED "bwrap's program cannot use its capabilities"

/* What the init is called when it is ready (PR_SET_NAME of prctl(2)), and no program ever is by
 * execve(2), which takes what stands behind the last slash. */
#define INIT_NAME "bwrap-oci/init"

/* The init's descriptors, counted from the number that is its only argument. The first
 * number is 3 + preserved descriptors, so that those keep theirs. */
enum {
  INIT_FD_OPS,      /* the instructions, a sealed memfd */
  INIT_FD_CONTROL,  /* SOCK_SEQPACKET to the runtime */
  INIT_FD_GATE,     /* listening SOCK_SEQPACKET, or closed */
  INIT_FD_PROC,     /* the runtime's /proc, for OP_FLAG_OUTSIDE, or closed */
  INIT_FD_STDERR,   /* the program's standard error: bwrap's own goes to the runtime */
  INIT_FD_STDOUT,   /* its standard output, where bwrap has another, or closed */
  INIT_FD_N,
};

struct ops_header {
  uint32_t magic;
  uint32_t size;   /* of the whole block, this header included */
  uint32_t count;  /* of records */
  uint32_t reserved;
};

struct op_header {
  uint32_t size;       /* of the whole record, a multiple of 8 */
  uint32_t code;       /* enum op_code, below */
  uint32_t n_numbers;  /* uint64_t each, right behind this */
  uint32_t n_strings;  /* NUL-terminated, at the end */
  uint32_t data_size;  /* bytes behind the numbers, padded to 8 */
  uint32_t flags;      /* OP_FLAG_* */
  uint32_t row;
  uint32_t reserved;
};

enum op_flag {
  OP_FLAG_RECURSIVE = 1 << 0,     /* a bind takes the mounts below along */
  OP_FLAG_DIRECTORY = 1 << 1,     /* the target is a directory (else a file) */
  OP_FLAG_NO_SYMLINKS = 1 << 2,   /* no component of the target may be a link */
  OP_FLAG_INHERIT_MODE = 1 << 3,  /* a tmpfs takes the mode of the directory below it */
  OP_FLAG_COPY_UP = 1 << 4,       /* a tmpfs starts with what the directory holds */
  OP_FLAG_GATE = 1 << 5,          /* wait at the gate, not on the control socket */
  OP_FLAG_BIND_CONSOLE = 1 << 7,  /* the terminal is /dev/console as well */
  OP_FLAG_CHECK_SOURCE = 1 << 6,  /* compare device and inode of the source */
  OP_FLAG_PLAIN = 1 << 9,         /* everything is in place already */
  OP_FLAG_RECEIVED = 1 << 10,     /* the mount comes by the control socket */
  OP_FLAG_LATE_READONLY = 1 << 8, /* read-only only at the pivot: other mounts go below it */
  OP_FLAG_OUTSIDE = 1 << 11,      /* by the runtime's /proc */
  OP_FLAG_LABEL = 1 << 12,        /* the last string is the label of the new file system's root */
  OP_FLAG_FUSE = 1 << 13,         /* what the kernel refuses, fuse-overlayfs does */
  OP_FLAG_FUSE_ONLY = 1 << 14,    /* without asking the kernel */
  OP_FLAG_SAME = 1 << 15,         /* a link that is there already must say the same */
  OP_FLAG_THERE = 1 << 16,        /* the directory is not made where it is missing */
};

/* Attributes are those of mount_setattr(2); "soft" ones are changed only where the
 * kernel lets us: what a host mount had set stays locked. */
enum mount_number {
  MOUNT_SET,
  MOUNT_CLEAR,
  MOUNT_PROPAGATION,
  MOUNT_NUMBERS,
};

enum bind_number {
  BIND_SET = MOUNT_SET,
  BIND_CLEAR = MOUNT_CLEAR,
  BIND_PROPAGATION = MOUNT_PROPAGATION,
  BIND_RECURSIVE_SET,
  BIND_RECURSIVE_CLEAR,
  BIND_RECURSIVE_PROPAGATION,
  BIND_SOFT_CLEAR,  /* what bwrap itself had added, on the whole tree */
  BIND_SOFT_ATIME,  /* a MOUNT_ATTR_ value, or BIND_NO_ATIME */
  BIND_DEVICE,      /* st_dev and st_ino of the source, for OP_FLAG_CHECK_SOURCE */
  BIND_INODE,
  BIND_NUMBERS,
};

#define BIND_NO_ATIME UINT64_MAX

/* What a mount that bwrap has made must be; 0: anything. */
enum seen_number {
  SEEN_DEVICE,      /* st_dev */
  SEEN_INODE,
  SEEN_FILESYSTEM,  /* f_type of statfs(2) */
  SEEN_READ_ONLY,   /* 1: it is read-only */
  SEEN_NUMBERS,
};

/* With more than the number a node is made; where that is forbidden the staged one is bound. */
enum device_number {
  DEVICE_NUMBER,
  DEVICE_MODE,  /* st_mode */
  DEVICE_UID,
  DEVICE_GID,
  DEVICE_NUMBERS,
};

/* Where a layer in memory is, in bwrap's own root. */
#define LAYER_MEMORY "/l"

/* At most so many mounts with OP_FLAG_LATE_READONLY. */
#define LATE_MAX 64

/* Those of sched_setattr(2). */
enum scheduler_number {
  SCHEDULER_POLICY,
  SCHEDULER_FLAGS,
  SCHEDULER_NICE,
  SCHEDULER_PRIORITY,
  SCHEDULER_RUNTIME,
  SCHEDULER_DEADLINE,
  SCHEDULER_PERIOD,
  SCHEDULER_NUMBERS,
};

/* The size of the terminal (0 rows: leave it) and the user it belongs to. */
enum console_number {
  CONSOLE_ROWS,
  CONSOLE_COLUMNS,
  CONSOLE_UID,
  CONSOLE_NUMBERS,
};

/* The ids and capabilities that the working directory is entered and the program is looked
 * up with. */
enum program_number {
  PROGRAM_UID,
  PROGRAM_GID,
  PROGRAM_EFFECTIVE,
  PROGRAM_NUMBERS,
};

enum capability_number {
  CAPABILITY_BOUNDING,
  CAPABILITY_EFFECTIVE,
  CAPABILITY_PERMITTED,
  CAPABILITY_INHERITABLE,
  CAPABILITY_AMBIENT,
  CAPABILITY_NUMBERS,
};

/* A startContainer hook. The state is the document up to the number of the process, which
 * only the init knows; behind that comes "}". */
enum hook_number {
  HOOK_INDEX,
  HOOK_TIMEOUT,  /* seconds, 0: none */
  HOOK_ARGS,     /* how many of the strings are args */
  HOOK_INHERIT,  /* 1: its environment is the program's, and no env follows */
  HOOK_NUMBERS,
};

/* Every operation, as OP_MASK, do_mask() in the init and "mask" in the plan, and how many numbers
 * and strings it has at least. What it reads: n: its numbers, s: its strings, d: its data. */
#define OPERATIONS(X) \
  X (NEW_SESSION, new_session, "new-session", 0, 0)  /* setsid(2) */ \
  X (UNDUMPABLE, undumpable, "undumpable", 0, 0)  /* nobody may trace us until the exec */ \
  X (BECOME_ROOT, become_root, "become-root", 0, 0)  /* ids 0 of the user namespace */ \
  /* n: st_dev and st_ino of what is staged at /r; s: staged folder of the writable layer \
   * (LAYER_MEMORY: in memory), parameters of the overlay ...; flags: as OP_MOUNT */ \
  X (LAYERS, layers, "layers", 2, 2) \
  /* n, s: as OP_BIND without the first two; takes what is staged at /r */ \
  X (ROOT, root, "root", BIND_NUMBERS, 0) \
  /* n: enum bind_number, and what each of the other strings keeps of BIND_SOFT_CLEAR; \
   * s: target, staged source, mounts at ("") and below it */ \
  X (BIND, bind, "bind", BIND_NUMBERS, 2) \
  /* n: enum mount_number; s: target, type, "key=value" or "key" ...; flags: of an overlay also \
   * OP_FLAG_FUSE, OP_FLAG_FUSE_ONLY */ \
  X (MOUNT, mount, "mount", MOUNT_NUMBERS, 2) \
  /* n: enum device_number, at least the first; s: target, staged source ("": none) */ \
  X (DEVICE, device, "device", 1, 2) \
  X (FIFO, fifo, "fifo", 3, 1)  /* n: mode, uid, gid; s: target */ \
  X (SYMLINK, symlink, "symlink", 0, 2)  /* s: target, content; flags: OP_FLAG_SAME */ \
  /* reports, and waits until the runtime has moved network devices here */ \
  X (NET_DEVICES, net_devices, "net-devices", 0, 0) \
  /* s: path, parameters of the file system that hides directories ... */ \
  X (MASK, mask, "mask", 0, 1) \
  X (READONLY, readonly, "readonly", 0, 1)  /* s: path */ \
  X (SYSCTL, sysctl, "sysctl", 0, 2)  /* s: path below /proc/sys, value */ \
  X (HOSTNAME, hostname, "hostname", 0, 1)  /* s: name */ \
  X (DOMAINNAME, domainname, "domainname", 0, 1)  /* s: name */ \
  X (OOM_SCORE_ADJ, oom_score_adj, "oom-score-adj", 0, 1)  /* s: value */ \
  X (LABEL, label, "label", 0, 2)  /* s: file below /proc/self, what is written to it */ \
  /* s: directory, name of the socket that takes what the program notifies */ \
  X (NOTIFY, notify, "notify", 0, 2) \
  X (HOOKS, hooks, "hooks", 0, 0)  /* reports, and waits until the runtime has run its hooks */ \
  /* n: propagation of the root, 0: leave; flags: OP_FLAG_RECURSIVE */ \
  X (PIVOT, pivot, "pivot", 1, 0) \
  X (DIRECTORY, directory, "directory", 0, 1)  /* s: path; is made where it can be */ \
  X (ROOT_READONLY, root_readonly, "root-readonly", 0, 0) \
  X (KEYRING, keyring, "keyring", 0, 1)  /* s: name of the session keyring */ \
  /* n: enum console_number; sends the master, keeps the slave */ \
  X (CONSOLE, console, "console", CONSOLE_NUMBERS, 0) \
  X (SCHEDULER, scheduler, "scheduler", SCHEDULER_NUMBERS, 0)  /* n: enum scheduler_number */ \
  /* n: class and priority as ioprio_set(2) takes them */ \
  X (IO_PRIORITY, io_priority, "io-priority", 1, 0) \
  X (PERSONALITY, personality, "personality", 1, 0)  /* n: of personality(2) */ \
  /* n: mode and flags of set_mempolicy(2), then the mask of nodes */ \
  X (MEMORY_POLICY, memory_policy, "memory-policy", 2, 0) \
  /* n: the mask of sched_setaffinity(2); none: all */ \
  X (AFFINITY, affinity, "affinity", 0, 0) \
  X (RLIMIT, rlimit, "rlimit", 3, 0)  /* n: resource, soft, hard */ \
  X (GROUPS, groups, "groups", 0, 0)  /* n: supplementary gids */ \
  /* n: enum program_number; s: the working directory; flags: OP_FLAG_THERE */ \
  X (CWD, cwd, "cwd", PROGRAM_NUMBERS, 1) \
  /* n: enum program_number; s: args[0], PATH ("": none) */ \
  X (PROGRAM, program, "program", PROGRAM_NUMBERS, 2) \
  X (HOME, home, "home", 1, 0)  /* n: uid; HOME comes from the image's /etc/passwd */ \
  X (READY, ready, "ready", 0, 0)  /* reports and waits for the start; flags: OP_FLAG_GATE */ \
  X (IDS, ids, "ids", 3, 0)  /* n: uid, gid, umask */ \
  /* n: enum capability_number */ \
  X (CAPABILITIES, capabilities, "capabilities", CAPABILITY_NUMBERS, 0) \
  X (NO_NEW_PRIVS, no_new_privs, "no-new-privs", 0, 0) \
  X (SECCOMP, seccomp, "seccomp", 1, 0)  /* n: flags of seccomp(2); d: struct sock_filter[] */ \
  X (ARGUMENTS, arguments, "arguments", 0, 1)  /* s: args */ \
  X (ENVIRONMENT, environment, "environment", 0, 0)  /* s: env */ \
  /* n: enum hook_number; s: path, state, args ..., env ... */ \
  X (HOOK, hook, "hook", HOOK_NUMBERS, 2) \
  X (EXEC, exec, "exec", 0, 0) \
  /* n: enum seen_number; s: path; fails unless that is mounted there */ \
  X (SEEN, seen, "seen", SEEN_NUMBERS, 1) \
  /* goes on as a child, in the pid namespace that was joined */ \
  X (INSIDE, inside, "inside", 0, 0)

enum op_code {
  OP_NONE,
#define OPERATION(code, function, name, n_numbers, n_strings) OP_##code,
  OPERATIONS (OPERATION)
#undef OPERATION
  OP_CODE_N,
};

/* From the init, on the control socket until the commit, on the gate's connection
 * after it. */
enum report_kind {
  REPORT_FAILED = 1,
  REPORT_READY,
  REPORT_CONSOLE,   /* with the pty's master */
  REPORT_LISTENER,  /* with the seccomp listener */
  REPORT_HELD,      /* everything that bwrap makes is there to be joined */
  REPORT_NET_DEVICES,  /* the network namespace is there, and nothing has been set in it */
  REPORT_HOOKS,     /* everything is in place but the root: hooks may look at it */
  REPORT_NOTIFY,    /* with the socket of OP_NOTIFY; between the start and the program */
  REPORT_BUSY,      /* what takes longer than a second: step, and on what: detail */
  REPORT_TREE,      /* with everything that is staged, for fuse-overlayfs ... */
  REPORT_FUSE,      /* ... and with its /dev/fuse: a mount waits for it to answer */
  REPORT_MOUNTED,   /* it has answered */
  REPORT_INSIDE,    /* row: the number of the process that goes on in the joined pid namespace */
};

struct report {
  uint32_t kind;
  uint32_t row;
  uint32_t code;      /* enum op_code */
  int32_t error;      /* errno, 0: the step says it all */
  char step[48];      /* the call that failed */
  char detail[1280];  /* what it worked on, or what the kernel or a hook said */
};

/* To the init. */
enum command {
  COMMAND_COMMIT = 1,  /* "created" is on record: wait at the gate */
  COMMAND_START,       /* run the program */
  COMMAND_CONTINUE,    /* the devices are there, or the hooks have run */
};
