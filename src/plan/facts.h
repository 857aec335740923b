/* What a plan must know of the world; host/ finds it out, plan/ only reads it.
 *
 * In two parts: the machine (bwrap, kernel, ids, cgroups), which is the same for every
 * container, and the bundle (the root file system and every bind source, opened once
 * and held, so that what was looked at is what will be mounted). */
#pragma once

#include <glib.h>
#include <sys/types.h>

/* Options of bwrap that the plan chooses by. */
typedef enum {
  BWRAP_ARGS = 1 << 0,
  BWRAP_AS_PID_1 = 1 << 1,
  BWRAP_NO_REAPER = 1 << 2,  /* the draft name of --as-pid-1 */
  BWRAP_CAP_ADD = 1 << 3,
  BWRAP_INFO_FD = 1 << 4,
  BWRAP_USERNS_BLOCK_FD = 1 << 5,
  BWRAP_BIND_FD = 1 << 6,
  BWRAP_PERMS = 1 << 7,
  BWRAP_PIDNS = 1 << 8,
  BWRAP_USERNS = 1 << 9,
  BWRAP_SIZE = 1 << 10,
} BwrapOptions;

typedef struct {
  char *path;            /* absolute */
  char *version;         /* as --version says it */
  BwrapOptions options;  /* as --help lists them */
  gboolean set_user_id;
  char *problem;         /* why it cannot be used at all; NULL: it can */
} BwrapFacts;

/* A range of ids: as a sub-id range @first is an id of ours; in a map of this process's
 * user namespace @inside is what it is called here. */
typedef struct {
  guint32 inside;
  guint32 first;
  guint32 count;
} IdRange;

typedef enum {
  CGROUP_NONE,
  CGROUP_V1,
  CGROUP_HYBRID,
  CGROUP_V2,
} CgroupMode;

typedef enum {
  HOST_CAP_SYS_ADMIN = 1 << 0,
  HOST_CAP_SETUID = 1 << 1,
  HOST_CAP_SETGID = 1 << 2,
  HOST_CAP_SYS_RESOURCE = 1 << 3,
  HOST_CAP_SETFCAP = 1 << 4,
  HOST_CAP_SYS_PTRACE = 1 << 5,
} HostCapabilities;

/* A cgroup hierarchy, and the place in it that a container can have (cgroups(7)). */
typedef struct {
  char *options;       /* of a v1 hierarchy: "cpu,cpuacct", "name=systemd"; NULL: cgroup v2 */
  char **controllers;  /* that @path has (v1) or can have (v2) */
  char *mount;         /* where it is mounted */
  char *own;           /* the caller's cgroup, below @mount: "/", "/a/b"; NULL: not visible */
  char *path;          /* the container's, as @own; NULL: there is none */
  int error;           /* errno of why @path cannot be made and entered; 0: it can */
} CgroupFacts;

/* A program that writes id maps for us. */
typedef struct {
  char *path;     /* NULL: not installed, or not needed: we may write maps ourselves */
  gboolean able;  /* set-user-ID or with file capabilities, and no_new_privs is not set */
} MapTool;

/* The security modules that label processes, as far as they are at work. */
typedef struct {
  gboolean apparmor;
  gboolean selinux;   /* with a policy: without one every label is the kernel's */
} SecurityModules;

/* What stands in where the kernel refuses an overlay. */
typedef struct {
  char *program;      /* fuse-overlayfs: absolute; NULL: not asked for, since there is no overlay */
  int program_error;  /* errno of why it cannot be executed; 0: it can */
  int device_error;   /* errno of why /dev/fuse cannot be opened; 0: it can */
} FuseFacts;

typedef struct {
  guint32 major;  /* kernel release */
  guint32 minor;
  uid_t uid;      /* effective */
  gid_t gid;
  char *user;     /* login name; NULL: has none, or sub-ids are not needed */
  HostCapabilities capabilities;  /* effective, in this user namespace */
  gboolean initial_user_ns;       /* uid_map is the identity on everything */
  GArray *uid_map;                /* of IdRange: which ids exist here */
  GArray *gid_map;
  GArray *sub_uids;               /* of IdRange (inside unused): ranges of this user; empty */
  GArray *sub_gids;               /* where HOST_CAP_SETUID and HOST_CAP_SETGID make them needless */
  MapTool newuidmap;
  MapTool newgidmap;
  gboolean no_new_privs;          /* of this process; only where the tools are looked for */
  BwrapFacts bwrap;
  guint last_capability;
  FuseFacts fuse;                 /* only after host_fuse_probe() */
  GArray *hard_limits;            /* of guint64, by RLIMIT_...; NULL: not asked for */

  /* only after host_cgroup_probe() */
  CgroupMode cgroup_mode;
  char **cgroup_v1;               /* options of each v1 hierarchy: "cpu,cpuacct", "name=systemd" */

  /* only after host_cgroup_places() */
  GPtrArray *cgroups;             /* of CgroupFacts; NULL: not asked for */

  /* only after host_security_probe() */
  SecurityModules modules;

  /* only after host_machine_probe_problems() */
  gint64 max_user_namespaces;     /* user.max_user_namespaces, -1: unknown */
  gboolean userns_clone_off;      /* kernel.unprivileged_userns_clone is 0 */
  gboolean apparmor_restricts;    /* kernel.apparmor_restrict_unprivileged_userns is 1 */
} MachineFacts;

/* A directory that not everybody may search. */
typedef struct {
  char *path;
  uid_t uid;
  gid_t gid;
} ClosedDirectory;

/* A mount below a source. */
typedef struct {
  char *path;     /* below the source, with a slash in front */
  guint64 flags;  /* MOUNT_ATTR_NOSUID and MOUNT_ATTR_NODEV, if it has them */
} MountBelow;

/* So many bind sources are not all kept open. */
#define SOURCES_MANY 32

/* One thing on the host that goes into the container. */
typedef struct {
  int fd;              /* O_PATH, owned; -1: it could not be opened, or is not kept open */
  int error;           /* errno of that, 0: it could */
  char *path;          /* absolute */
  char *link;          /* what it says, if it is a symbolic link that is to be copied; then only the
                        * path is known else, and there is no error. NULL: it is none */
  char *real_path;     /* without links, by which it can be found again; only of a bind source,
                        * where those are SOURCES_MANY: then there is no fd */
  mode_t mode;         /* st_mode */
  dev_t device;        /* st_dev */
  ino_t inode;
  dev_t node;          /* st_rdev */
  guint64 filesystem;  /* f_type of statfs(2) */
  guint64 flags;       /* MOUNT_ATTR_ bits that its mount has */
  GPtrArray *closed;   /* of ClosedDirectory, above it, topmost first; NULL: none, or not asked */
  GPtrArray *below;    /* of MountBelow, only those with such flags; NULL: not asked */
} SourceFacts;

/* Where a path of the container is before anything is mounted. */
typedef enum {
  PATH_ROOT,     /* in the root file system */
  PATH_SOURCE,   /* in the source of mount @index */
  PATH_PROC,     /* in the host's /proc, which stands for the container's */
  PATH_SYS,      /* in the host's /sys */
  PATH_DEV,      /* in a /dev that bwrap makes */
  PATH_EMPTY,    /* in a new file system */
  PATH_UNKNOWN,  /* in one that nobody can look into */
} PathBase;

#define PATH_NONE G_MAXUINT

typedef struct {
  PathBase base;
  guint index;   /* of the mount that it lies below; PATH_NONE: none */
  char *rest;    /* below that, without a slash in front; "": that itself */
  int error;     /* ELOOP: there is a link in it; ENOENT: it is missing, and there is no link in
                  * what is there; ENOTSUP: PATH_UNKNOWN */
  mode_t mode;   /* st_mode; where there is no error */
} PathFacts;

/* A namespace file of linux.namespaces[].path. */
typedef struct {
  int fd;     /* owned; -1 */
  int error;
  int type;   /* CLONE_NEW..., as the kernel says (NS_GET_NSTYPE); 0: not a namespace */
  gboolean own;  /* a network namespace, and the caller is in it */
} NamespaceFacts;

/* Whether this machine has classes of service (the kernel's filesystems/resctrl). */
typedef enum {
  RESCTRL_NONE,     /* the processor or the kernel has none */
  RESCTRL_THERE,    /* it is not mounted */
  RESCTRL_MOUNTED,
} ResctrlFacts;

typedef struct {
  SourceFacts *root;
  GPtrArray *mounts;      /* of SourceFacts or NULL, by index of spec->mounts; behind them the
                           * folders that overlays name (plan/overlay.h), in their order */
  GPtrArray *layers;      /* of SourceFacts: the writable one (NULL: it is not named), then those
                           * that are only read; NULL: none */
  GPtrArray *devices;     /* of SourceFacts or NULL, by index of linux.devices */
  GPtrArray *namespaces;  /* of NamespaceFacts or NULL, by index of linux.namespaces */
  GArray *net_devices;    /* of guint, by index of linux.netDevices: their numbers in the caller's
                           * network namespace, 0: there is none; NULL: none are wanted */
  ResctrlFacts resctrl;   /* only where linux.intelRdt is */
  gboolean net_admin;     /* the caller may take devices out of there; only where they are */

  /* only after host_overlays_try() */
  GHashTable *refused_overlays;  /* of char *, by the JSON pointer of an overlay: what the kernel
                                  * says of it; NULL: not asked */

  /* only after host_paths_probe() */
  GHashTable *paths;      /* of PathFacts, by JSON pointer: see plain_paths() */
} BundleFacts;

typedef struct {
  MachineFacts machine;
  BundleFacts bundle;
} HostFacts;

void cgroup_facts_free (CgroupFacts *facts);
void closed_directory_free (ClosedDirectory *directory);
void mount_below_free (MountBelow *mount);
void source_facts_free (SourceFacts *facts);
void namespace_facts_free (NamespaceFacts *facts);
void bwrap_facts_clear (BwrapFacts *facts);
void host_facts_free (HostFacts *facts);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BwrapFacts, bwrap_facts_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostFacts, host_facts_free)
