/* The container's process (runtime-spec config.md, "Process"); also the document of
 * "exec --process". */
#pragma once

#include "json/field.h"

typedef struct {
  OptUint32 uid;            /* 0 when absent; never 4294967295 */
  OptUint32 gid;            /* 0 when absent; never 4294967295 */
  OptUint32 umask;          /* at most 0777 */
  GArray *additional_gids;  /* of guint32 */
} OciUser;

/* Names as "CAP_CHOWN"; unknown ones are in here too. A set that is NULL is absent. */
typedef struct {
  char **bounding;
  char **permitted;
  char **effective;
  char **inheritable;
  char **ambient;
} OciCapabilities;

typedef struct {
  int type;        /* RLIMIT_..., each once */
  OptUint64 soft;  /* always set, at most hard */
  OptUint64 hard;  /* always set; 18446744073709551615 is RLIM_INFINITY */
} OciRlimit;

typedef struct {
  OptUint64 height;  /* both always set; at most 65535 if there is a terminal */
  OptUint64 width;
} OciConsoleSize;

typedef struct {
  int policy;  /* SCHED_..., never -1 */
  OptInt32 nice;
  OptInt32 priority;
  GArray *flags;      /* of guint32: SCHED_FLAG_... */
  OptUint64 runtime;  /* nanoseconds, as the next two */
  OptUint64 deadline;
  OptUint64 period;
} OciScheduler;

typedef struct {
  int class_;  /* IOPRIO_CLASS_...: 1 real-time, 2 best-effort, 3 idle; never -1 */
  OptInt32 priority;
} OciIoPriority;

typedef struct {
  char *initial;
  char *final;
} OciCpuAffinity;

typedef struct {
  OptBool terminal;
  OciConsoleSize *console_size;  /* of no effect without terminal */
  OciUser *user;                 /* never NULL */
  char **args;                   /* at least one */
  char **env;                    /* each "NAME=value"; NULL: absent */
  char *cwd;                     /* absolute, never NULL */
  OciCapabilities *capabilities;
  GPtrArray *rlimits;  /* of OciRlimit */
  OptBool no_new_privileges;
  OptInt32 oom_score_adj;  /* -1000 to 1000 */
  char *apparmor_profile;  /* NULL also when empty, as selinux_label */
  char *selinux_label;
  OciScheduler *scheduler;
  OciIoPriority *io_priority;
  OciCpuAffinity *exec_cpu_affinity;
} OciProcess;

extern const FieldType oci_process_type;

/* Checks what the rows cannot: environment, duplicate limits, and so on. @at is the pointer of
 * @process. */
gboolean oci_process_check (const OciProcess *process, const char *at, GError **error);

/* Reads the @length bytes of @text, the file @name of "exec --process", as a process object.
 * @ret_notes (NULL: not wanted) gets an array of FieldNote, transfer full. Errors:
 * "NAME: POINTER: what is wrong". Free it with oci_process_free(). Transfer: full. */
OciProcess *oci_process_parse (const char *text, gsize length, const char *name,
                               GPtrArray **ret_notes, GError **error);

void oci_process_free (OciProcess *process);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OciProcess, oci_process_free)
