/* The Plan: everything that will be done to start one container.
 *
 * plan_new() is a pure function of the configuration, the facts and the options: it
 * opens, looks up and asks nothing. --dry-run prints a Plan, the golden tests compare
 * it, and launch carries out exactly it. Descriptors do not exist yet, so the Plan
 * names slots ("@args", "@source:3") that launch turns into numbers. */
#pragma once

#include "plan/cgroup.h"
#include "plan/facts.h"
#include "plan/layers.h"
#include "spec/spec.h"

/* What the caller of the program asked for. The strings outlive the Plan. */
typedef struct {
  const char *id;
  const char *bundle;          /* absolute */
  guint preserve_fds;          /* descriptors 3 ... are handed on ... */
  guint64 absent_fds;          /* ... but for these: 1 << (number - 3) */
  guint listen_fds;            /* so many of them by the protocol of sd_listen_fds(3) */
  gboolean notify;             /* somebody wants to hear what the program says by sd_notify(3) */
  gboolean gate;               /* wait at the start gate (create), not on the runtime (run) */
  gboolean new_keyring;        /* join a session keyring of its own */
  gboolean plain;              /* bwrap mounts what it can, the init needs no capability */
  gboolean console_socket;     /* a terminal goes to somebody else */
  gboolean detach;
  CgroupManager cgroup_manager;
  const char *init_path;       /* of bwrap-oci-init */
  const LayerRequest *layer;   /* NULL: none */
  const char *layer_path;      /* where a layer of the state directory will be; absolute */
  gboolean mount_program;      /* overlays are not the kernel's */
} PlanOptions;

/* How the user namespace comes about. */
typedef enum {
  USERNS_NONE,   /* the caller's */
  USERNS_BWRAP,  /* bwrap makes it and waits for its maps */
  USERNS_ENTER,  /* a child of ours makes it, gets its maps, enters it and execs bwrap */
  USERNS_JOIN,   /* it exists: a child of ours enters it and execs bwrap */
} UsernsMode;

/* Who writes the maps. */
typedef enum {
  MAPS_NONE,
  MAPS_DIRECT,  /* the runtime itself (it has CAP_SETUID and CAP_SETGID here, or maps one id) */
  MAPS_TOOLS,   /* newuidmap and newgidmap */
} MapsMode;

/* One line of an id map. */
typedef struct {
  guint32 inside;
  guint32 outside;
  guint32 count;
} IdMapLine;

/* What a failure of the init belongs to. */
typedef struct {
  char *pointer;  /* JSON pointer, "/mounts/3"; "" for what is not in the configuration */
  char *what;     /* "mount tmpfs on /tmp" */
  char *hint;     /* what helps if the kernel refuses it; NULL: nothing is known */
} PlanRow;

/* An overlay that fuse-overlayfs makes if the kernel does not. It sees what is staged for the init
 * below OVERLAY_TREE. */
typedef struct {
  guint32 row;
  char *options;  /* its mount options */
} PlanFuse;

/* One instruction of the init (init/ops.h), its descriptors not yet known. */
typedef struct {
  guint32 code;
  guint32 flags;
  guint32 row;
  GArray *numbers;      /* of guint64 */
  GPtrArray *strings;   /* of char * */
  const OciSeccomp *seccomp;  /* data is this filter's program; NULL: no data */
} PlanOp;

/* Which descriptor an argument or a number in the child stands for. */
typedef enum {
  SLOT_USERNS_BLOCK,  /* @userns-block */
  SLOT_INFO,          /* @info */
  SLOT_INIT,          /* @init: the init's file */
  SLOT_ROOT,          /* @root */
  SLOT_SOURCE,        /* @source:N, N is the index of the mount */
  SLOT_NAMESPACE,     /* @namespace:N */
  SLOT_LAYER,         /* @layer:N, 0 is the writable one */
  SLOT_PRESERVED,     /* @first-fd: a number, not a descriptor */
} PlanSlotKind;

/* One word of bwrap's arguments: text, or a slot. */
typedef struct {
  char *text;  /* NULL: the slot */
  PlanSlotKind slot;
  guint index;
} PlanWord;

/* A mount point that bwrap is given by its path, and which therefore must be there, with no link in
 * it that could lead out of the container and nobody else who could make one. */
typedef struct {
  char *pointer;
  guint index;         /* of the mount in whose source it lies; PATH_NONE: the root's */
  char *rest;          /* below that, without a slash in front; never "" */
  gboolean directory;
} PlanTarget;

/* A mount that takes the rights of the caller, since its ids are mapped, the host is to see what is
 * mounted in it, or the container's root may not search the way to it: the runtime makes it, and
 * the init gets it in this order. */
typedef struct {
  guint index;         /* of the mount in the configuration */
  gboolean recursive;  /* ids below it are mapped too */
  gboolean tree;       /* with what is mounted below it */
  gboolean slave;      /* the host is not to see what is mounted in it */
  GArray *uid_map;     /* of IdMapLine: ids of the source's file system, and what they are to the
                        * caller; NULL: they stay */
  GArray *gid_map;
  gboolean of_joined;  /* instead, the maps of the user namespace that is joined */
  guint joined;        /* index of linux.namespaces */
} PlanHanded;

typedef struct {
  char *pointer;
  char *message;
  gboolean ignored;  /* it has no effect at all */
} PlanNote;

typedef struct {
  const OciSpec *spec;     /* not owned */
  UsernsMode userns;
  MapsMode maps;
  gboolean setgroups_deny; /* "deny" goes to setgroups before a one-id gid map */
  GArray *uid_map;         /* of IdMapLine */
  GArray *gid_map;
  int new_namespaces;      /* CLONE_NEW... that are made */
  GArray *joined;          /* of guint: indices of linux.namespaces that are joined, the user
                            * namespace apart */
  GPtrArray *handed;       /* of PlanHanded */
  GPtrArray *fuse;         /* of PlanFuse, in the order of the instructions */
  gboolean layer_in_state; /* @layer:0 is a folder of the container's directory */
  char *time_offsets;      /* of a new time namespace, as its /proc file takes them; NULL: none */
  gboolean own_pid_ns;     /* the container has a pid namespace that is not the caller's */
  gboolean plain;          /* bwrap puts everything in place itself; see plain.h */
  GPtrArray *targets;      /* of PlanTarget: where it puts something that the host must have, or
                            * be given, first; NULL unless plain */
  gboolean hold;           /* bwrap builds and holds; the container's first process is a child of
                            * ours that joins, so it has no_new_privs only if asked for */
  gboolean opaque_init;    /* while the init waits, what /proc has of it is the caller's */
  CgroupPlan *cgroup;      /* NULL in a plan for exec */
  GPtrArray *words;        /* of PlanWord: bwrap's options, in order, without the program */
  GPtrArray *ops;          /* of PlanOp */
  GPtrArray *rows;         /* of PlanRow, by index */
  GPtrArray *notes;        /* of PlanNote: what is ignored or differs from the letter */
  gboolean terminal;
  gboolean no_new_privs;
  gboolean keep_groups;    /* the caller's supplementary groups stay */
} Plan;

/* Makes the plan for @spec. An error names the JSON pointer of what cannot be done:
 * "config.json: /linux/personality: ...". @spec must outlive the plan. Transfer: full. */
Plan *plan_new (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options,
                GError **error);

/* The same, but goes on behind what cannot be done: all of it is added to @refusals (of PlanNote;
 * plan_notes_new()), and then the plan is not one to be carried out. Transfer: full. */
Plan *plan_check (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options,
                  GPtrArray *refusals);

/* Makes a plan that only tries whether containers with the namespaces and ids of @spec can be made
 * here at all: nothing of the bundle is touched. Transfer: full. */
Plan *plan_trial_new (const OciSpec *spec, const HostFacts *facts, const PlanOptions *options,
                      GError **error);

/* Returns an array that takes PlanNote. Transfer: full. */
GPtrArray *plan_notes_new (void);

/* Whether a plan for @process (NULL: there is none) in a container of @spec depends on which
 * security modules are at work: on MachineFacts.modules, or ExecFacts.modules. */
gboolean plan_needs_modules (const OciSpec *spec, const OciProcess *process);

/* What a plan for exec must know of the container it goes into. */
typedef struct {
  GArray *uid_map;         /* of IdMapLine: ids that exist there */
  GArray *gid_map;
  gboolean setgroups_deny;
  guint last_capability;
  gboolean joins_pid_ns;   /* another pid namespace than the caller's */
  gboolean cgroup_apart;   /* its cgroup_is_apart() */
  SecurityModules modules; /* where plan_needs_modules() */
} ExecFacts;

/* Makes the plan for @process in a container of @spec: only the init's instructions, which begin
 * with everything joined already. Transfer: full. */
Plan *plan_exec_new (const OciSpec *spec, const OciProcess *process, const ExecFacts *facts,
                     const PlanOptions *options, GError **error);

/* Makes the plan for a user namespace without a container: the caller is root in it, the ids from 1
 * upwards are his sub-ids, range by range; for who may map any id, all that exist are themselves.
 * @namespaces (CLONE_NEW...) are made as well. Transfer: full. */
Plan *plan_unshare_new (const MachineFacts *machine, int namespaces, GError **error);

void plan_free (Plan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plan, plan_free)

/* Whether @id of the container is in @map (of IdMapLine; NULL: every id is). */
gboolean plan_id_is_mapped (const GArray *map, guint32 id);

/* Returns why @tool, one of @machine's two, writes no maps, with the command that mends it in
 * parentheses; NULL: it does. Transfer: full. */
char *plan_map_tool_problem (const MachineFacts *machine, const MapTool *tool);

/* The same of the caller's sub-ids. */
char *plan_sub_ids_problem (const MachineFacts *machine);

/* Whether @id out here is one of the container's; @map as above, and everything is in NULL. */
gboolean plan_id_is_inside (const GArray *map, guint32 id);

/* Whether the caller has the privilege to do without a user namespace. */
gboolean plan_privileged (const MachineFacts *machine);
