/* Putting a Plan together: what the chapters of plan/ share. */
#pragma once

#include "plan/plan.h"

#include <linux/mount.h>

/* What every chapter works on. */
typedef struct {
  const OciSpec *spec;
  const OciProcess *process;  /* the configuration's, or that of exec; NULL: there is none */
  const GPtrArray *start_hooks;  /* of OciHook; NULL: none, exec has none */
  const HostFacts *facts;
  const PlanOptions *options;
  Plan *plan;
  GPtrArray *staged;          /* of char *, by index of the mounts: where bwrap brings the source,
                               * NULL: nowhere; filled by plan_staging() */
  gboolean joins;             /* a program of exec */
  GPtrArray *refusals;        /* of PlanNote: takes all that is refused; NULL: the first ends it */
} PlanContext;

/* bwrap's limit on its arguments, those of --args included */
#define BWRAP_ARGUMENTS_MAX 9000

/* Adds a row for what stands at JSON pointer @pointer; @what says in words what is done
 * for it. Returns its number. */
guint32 plan_row (Plan *plan, const char *pointer, const char *what, ...) G_GNUC_PRINTF (3, 4);

/* Adds an instruction that belongs to @row. Transfer: none. */
PlanOp *plan_op (Plan *plan, guint32 code, guint32 row, guint32 flags);

void plan_op_number (PlanOp *op, guint64 number);
void plan_op_string (PlanOp *op, const char *string);

/* Adds a word of bwrap's arguments: text, or a slot. */
void plan_word (Plan *plan, const char *text);
void plan_word_slot (Plan *plan, PlanSlotKind kind, guint index);

/* Notes that something at @pointer is ignored, or not to the letter. */
void plan_note (Plan *plan, const char *pointer, const char *message, ...) G_GNUC_PRINTF (3, 4);

/* Notes that what stands at @pointer is valid and has no effect. */
void plan_ignore (Plan *plan, const char *pointer, const char *message, ...) G_GNUC_PRINTF (3, 4);

/* Whether the next item is to be looked at, @ok being what became of this one. What is refused is
 * kept in context->refusals and no failure, where those are collected. */
gboolean plan_go_on (PlanContext *context, gboolean ok, GError **error);

/* Refuses what stands at @pointer: "config.json: POINTER: ...". Returns FALSE. */
gboolean plan_refuse (GError **error, const char *pointer, const char *message, ...)
  G_GNUC_PRINTF (3, 4);

/* The chapters, in the order in which plan_new() calls them. */
gboolean plan_namespaces (PlanContext *context, GError **error);
gboolean plan_idmap (PlanContext *context, GError **error);
gboolean plan_control_groups (PlanContext *context, GError **error);
gboolean plan_staging (PlanContext *context, GError **error);
gboolean plan_mounts (PlanContext *context, GError **error);
gboolean plan_devices (PlanContext *context, GError **error);
gboolean plan_paths (PlanContext *context, GError **error);
gboolean plan_system (PlanContext *context, GError **error);
gboolean plan_process (PlanContext *context, GError **error);

/* Stands in for the chapters from plan_staging() to plan_system() where options->plain. */
gboolean plan_plain (PlanContext *context, GError **error);

/* The words for the namespaces that bwrap makes, and the capabilities that its program gets. */
void plan_stage_namespaces (PlanContext *context, const char *capabilities_option);

/* The same for a plan that makes nothing but the namespaces. */
void plan_trial_staging (PlanContext *context);

/* Adds oom_score_adj; @flags are those of the operation. */
void plan_oom_score (PlanContext *context, guint32 flags);

/* Adds what security modules take the program for; @flags say by which procfs. */
gboolean plan_labels (PlanContext *context, guint32 flags, GError **error);

/* Refuses linux.mountLabel where it would have no effect. */
gboolean plan_check_mount_label (PlanContext *context, GError **error);

/* Adds linux.mountLabel to the strings of @op, which end with the parameters of a new file system
 * of @type, if there is such a label and the type takes one. */
void plan_label_filesystem (const PlanContext *context, PlanOp *op, const char *type);

/* Fills the maps of plan_unshare_new(). */
gboolean plan_all_ids (Plan *plan, const MachineFacts *machine, GError **error);

/* Checks that systemd as pid 1 will be able to make cgroups. */
gboolean plan_systemd_cgroup (PlanContext *context, GError **error);

/* Returns the scope that the configuration wants, without the properties of limits, as part of
 * plan_control_groups(). Transfer: full. */
CgroupScope *plan_scope (PlanContext *context, GError **error);

/* Whether cgroupsPath @path (may be NULL) is of the form slice:prefix:name; whether @name can be
 * that of a cgroup. */
gboolean cgroup_is_slice_path (const char *path);
gboolean cgroup_is_name (const char *name);

/* Adds bwrap's options for the bind sources, as part of plan_staging(). */
gboolean plan_sources (PlanContext *context, GError **error);

/* Adds bwrap's options for the layers over the root file system, if there are any. */
gboolean plan_stage_layers (PlanContext *context, GError **error);

/* Adds the instruction that lays them over it; *@ret_layered FALSE: there are none. */
gboolean plan_layers (PlanContext *context, gboolean *ret_layered, GError **error);

/* Decides who makes the overlay of @op, whose parameters are its strings from the @first on, and
 * which stands at @pointer; in words that is added to its row. */
gboolean plan_overlay (PlanContext *context, const char *pointer, PlanOp *op, guint first,
                       GError **error);

struct MountOptions;

/* Adds the @index-th mount to those whose ids are mapped. */
gboolean plan_id_mapped (PlanContext *context, guint index, const struct MountOptions *options,
                         GError **error);

/* Whether the host is to see what the container mounts in a bind with @options. */
gboolean plan_is_peer (const PlanContext *context, const struct MountOptions *options);

/* Has the runtime hand in the @index-th mount: as a peer of the host's, or of its slaves. */
void plan_hand_in (PlanContext *context, guint index, const struct MountOptions *options);

/* The number of the first folder that the @index-th mount names, if it is an overlay. */
guint plan_first_folder (const PlanContext *context, guint index);

/* Refuses @source, which stands at @pointer, if the container's root is somebody who may not
 * search the directories above it. */
gboolean plan_check_search (const Plan *plan, const SourceFacts *source, const char *pointer,
                            GError **error);

/* Whether the container's root may not search the directories above the bind @source, so that
 * bwrap cannot bring it in, and the runtime may and can. */
gboolean plan_is_out_of_reach (const PlanContext *context, const SourceFacts *source);

/* Adds what the process keeps through the exec: scheduling, priorities, personality. */
gboolean plan_attributes (PlanContext *context, GError **error);

/* Adds the CPUs that a process of exec runs on; @apart: it goes into a cgroup_is_apart(). */
gboolean plan_affinity (PlanContext *context, gboolean apart, GError **error);

/* Adds the instruction to start a session of its own. */
void plan_session (Plan *plan);

/* What bwrap sets on whatever it binds (MOUNT_ATTR_ bits). */
#define MOUNT_ADDED_FLAGS ((guint64) (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV))

/* Adds to a recursive OP_BIND or OP_ROOT of @facts which of those flags the host has set itself. */
void plan_keep_flags (const Plan *plan, PlanOp *op, const SourceFacts *facts);

/* Adds the terminal, if the process asks for one; @flags are those of OP_CONSOLE. */
gboolean plan_terminal (PlanContext *context, guint32 flags, GError **error);

/* Checks that ids of the process exist in the container. */
gboolean plan_check_ids (PlanContext *context, GError **error);

/* Adds the stop for network devices to be moved into the container, if there are any. */
gboolean plan_net_devices (PlanContext *context, GError **error);

/* Adds the stop for the hooks of create, if there are any. */
void plan_create_hooks (PlanContext *context);

/* Adds the startContainer hooks, behind everything that the program gets too. */
void plan_start_hooks (PlanContext *context);

/* Adds the program's environment, for @row. */
void plan_environment (PlanContext *context, guint32 row);

/* Adds the socket for what the program notifies, if somebody wants to hear of it. */
void plan_notify (PlanContext *context);

/* Whether the container has a namespace of @type (CLONE_NEW...) that is not the
 * caller's: a new one or a joined one. */
gboolean plan_owns_namespace (const PlanContext *context, int type);
