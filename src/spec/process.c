/* The container's process; see process.h. */
#include "config.h"

#include "spec/process.h"

#include "base/error.h"
#include "spec/document.h"
#include "spec/idmap.h"

#include <limits.h>
#include <linux/sched.h>
#include <string.h>

static const Name scheduler_policies[] = {
  { "SCHED_OTHER", SCHED_NORMAL },
  { "SCHED_FIFO", SCHED_FIFO },
  { "SCHED_RR", SCHED_RR },
  { "SCHED_BATCH", SCHED_BATCH },
  { "SCHED_ISO", 4 },  /* reserved by the kernel, so without a name there */
  { "SCHED_IDLE", SCHED_IDLE },
  { "SCHED_DEADLINE", SCHED_DEADLINE },
  { NULL, 0 },
};

static const Name scheduler_flags[] = {
  { "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
  { "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
  { "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
  { "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
  { "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
  { "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
  { "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
  { NULL, 0 },
};

/* ioprio_set(2); linux/ioprio.h is younger than the oldest kernel we run on */
static const Name io_classes[] = {
  { "IOPRIO_CLASS_RT", 1 },
  { "IOPRIO_CLASS_BE", 2 },
  { "IOPRIO_CLASS_IDLE", 3 },
  { NULL, 0 },
};

static const Field user_fields[] = {
  FIELD_UINT32 (OciUser, uid, "uid", "user id inside the container", .max = OCI_ID_MAX),
  FIELD_UINT32 (OciUser, gid, "gid", "group id inside the container", .max = OCI_ID_MAX),
  FIELD_UINT32 (OciUser, umask, "umask", "file mode creation mask", .max = 0777),
  FIELD_UINT32S (OciUser, additional_gids, "additionalGids", "supplementary groups",
                 .max = OCI_ID_MAX),
  FIELD_NOTHING ("username", "user name, for Windows", .support = FIELD_IGNORED,
                 .reason = "for Windows"),
  FIELD_END,
};

static const FieldType user_type = { "user", sizeof (OciUser), user_fields };

static const Field capabilities_fields[] = {
  FIELD_STRINGS (OciCapabilities, bounding, "bounding", "bounding set"),
  FIELD_STRINGS (OciCapabilities, permitted, "permitted", "permitted set"),
  FIELD_STRINGS (OciCapabilities, effective, "effective", "effective set"),
  FIELD_STRINGS (OciCapabilities, inheritable, "inheritable", "inheritable set"),
  FIELD_STRINGS (OciCapabilities, ambient, "ambient", "ambient set"),
  FIELD_END,
};

static const FieldType capabilities_type = {
  "capabilities", sizeof (OciCapabilities), capabilities_fields,
};

static const Field rlimit_fields[] = {
  FIELD_NAME (OciRlimit, type, name_rlimits, "type", "RLIMIT_...", .flags = FIELD_REQUIRED),
  FIELD_UINT64 (OciRlimit, soft, "soft", "the limit", .flags = FIELD_REQUIRED),
  FIELD_UINT64 (OciRlimit, hard, "hard", "how far it may be raised", .flags = FIELD_REQUIRED),
  FIELD_END,
};

static const FieldType rlimit_type = { "rlimit", sizeof (OciRlimit), rlimit_fields };

static const Field console_size_fields[] = {
  FIELD_UINT64 (OciConsoleSize, height, "height", "rows", .flags = FIELD_REQUIRED),
  FIELD_UINT64 (OciConsoleSize, width, "width", "columns", .flags = FIELD_REQUIRED),
  FIELD_END,
};

static const FieldType console_size_type = {
  "console size", sizeof (OciConsoleSize), console_size_fields,
};

static const Field scheduler_fields[] = {
  FIELD_NAME (OciScheduler, policy, scheduler_policies, "policy", "SCHED_...",
              .flags = FIELD_REQUIRED),
  FIELD_INT32 (OciScheduler, nice, "nice", "nice value", .min = -20, .max = 19),
  FIELD_INT32 (OciScheduler, priority, "priority", "static priority"),
  FIELD_NAMES (OciScheduler, flags, scheduler_flags, "flags", "SCHED_FLAG_..."),
  FIELD_UINT64 (OciScheduler, runtime, "runtime", "nanoseconds per period"),
  FIELD_UINT64 (OciScheduler, deadline, "deadline", "nanoseconds"),
  FIELD_UINT64 (OciScheduler, period, "period", "nanoseconds"),
  FIELD_END,
};

static const FieldType scheduler_type = { "scheduler", sizeof (OciScheduler), scheduler_fields };

static const Field io_priority_fields[] = {
  FIELD_NAME (OciIoPriority, class_, io_classes, "class", "IOPRIO_CLASS_...",
              .flags = FIELD_REQUIRED),
  FIELD_INT32 (OciIoPriority, priority, "priority", "0 (high) to 7 (low)", .max = 7),
  FIELD_END,
};

static const FieldType io_priority_type = {
  "I/O priority", sizeof (OciIoPriority), io_priority_fields,
};

static const Field cpu_affinity_fields[] = {
  FIELD_STRING (OciCpuAffinity, initial, "initial", "CPUs of the runtime's own process",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciCpuAffinity, final, "final", "CPUs of the program", .flags = FIELD_EMPTY_ABSENT),
  FIELD_END,
};

static const FieldType cpu_affinity_type = {
  "CPU affinity", sizeof (OciCpuAffinity), cpu_affinity_fields,
};

static const Field process_fields[] = {
  FIELD_BOOL (OciProcess, terminal, "terminal", "whether it gets a terminal"),
  FIELD_OBJECT (OciProcess, console_size, OciConsoleSize, console_size_type, "consoleSize",
                "size of the terminal"),
  FIELD_OBJECT (OciProcess, user, OciUser, user_type, "user", "its ids", .flags = FIELD_ALWAYS),
  FIELD_STRINGS (OciProcess, args, "args", "program and arguments"),
  FIELD_NOTHING ("commandLine", "command line, for Windows", .support = FIELD_IGNORED,
                 .reason = "for Windows"),
  FIELD_STRINGS (OciProcess, env, "env", "its environment"),
  FIELD_STRING (OciProcess, cwd, "cwd", "working directory inside the container",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_OBJECT (OciProcess, capabilities, OciCapabilities, capabilities_type, "capabilities",
                "its capability sets", .flags = FIELD_OLD_ARRAY),
  FIELD_OBJECTS (OciProcess, rlimits, rlimit_type, "rlimits", "its resource limits"),
  FIELD_BOOL (OciProcess, no_new_privileges, "noNewPrivileges",
              "whether set-user-ID programs have no effect"),
  FIELD_INT32 (OciProcess, oom_score_adj, "oomScoreAdj", "how willingly the kernel kills it",
               .min = -1000, .max = 1000),
  FIELD_STRING (OciProcess, apparmor_profile, "apparmorProfile", "AppArmor profile",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRING (OciProcess, selinux_label, "selinuxLabel", "SELinux label",
                .flags = FIELD_EMPTY_ABSENT),
  FIELD_OBJECT (OciProcess, scheduler, OciScheduler, scheduler_type, "scheduler",
                "its scheduling policy"),
  FIELD_OBJECT (OciProcess, io_priority, OciIoPriority, io_priority_type, "ioPriority",
                "its I/O priority"),
  FIELD_OBJECT (OciProcess, exec_cpu_affinity, OciCpuAffinity, cpu_affinity_type,
                "execCPUAffinity", "CPUs of processes that exec starts"),
  FIELD_END,
};

const FieldType oci_process_type = { "process", sizeof (OciProcess), process_fields };

static gboolean
check_rlimits (const GPtrArray *rlimits, const char *at, GError **error)
{
  guint64 seen = 0;

  for (guint i = 0; i < field_count (rlimits); i++)
    {
      const OciRlimit *rlimit = g_ptr_array_index (rlimits, i);
      const char *name = name_of (name_rlimits, rlimit->type);
      guint64 bit = G_GUINT64_CONSTANT (1) << rlimit->type;

      if ((seen & bit) != 0)
        return throw (error, "%s/rlimits/%u: duplicate rlimit \"%s\"", at, i, name);
      if (rlimit->soft.value > rlimit->hard.value)
        return throw (error, "%s/rlimits/%u: the soft limit of %s is above the hard limit", at, i,
                      name);
      seen |= bit;
    }
  return TRUE;
}

static gboolean
check_console (const OciProcess *process, const char *at, GError **error)
{
  const OciConsoleSize *size = process->console_size;

  if (size == NULL || !process->terminal.value)
    return TRUE;
  if (size->height.value > G_MAXUINT16 || size->width.value > G_MAXUINT16)
    return throw (error, "%s/consoleSize: out of range (0 to %u)", at, G_MAXUINT16);
  return TRUE;
}

/* A list as "0-3,7" (config.md, "execCPUAffinity"); numbers that no machine has are left to the
 * kernel. */
static gboolean
check_cpus (const char *cpus, const char *at, const char *name, GError **error)
{
  if (cpus == NULL || cpus[strspn (cpus, "0123456789, -")] == '\0')
    return TRUE;
  return throw (error, "%s/execCPUAffinity/%s: expected a list of CPUs, got \"%.100s\"", at, name,
                cpus);
}

static gboolean
check_affinity (const OciCpuAffinity *affinity, const char *at, GError **error)
{
  return affinity == NULL
         || (check_cpus (affinity->initial, at, "initial", error)
             && check_cpus (affinity->final, at, "final", error));
}

gboolean
oci_process_check (const OciProcess *process, const char *at, GError **error)
{
  const GArray *gids = process->user->additional_gids;

  if (process->args == NULL || process->args[0] == NULL)
    return throw (error, "%s/args: must have at least one element", at);
  if (gids != NULL && gids->len > NGROUPS_MAX)
    return throw (error, "%s/user/additionalGids: too many groups: %u, the kernel takes %d", at,
                  gids->len, NGROUPS_MAX);
  return oci_env_check (process->env, at, error)
         && check_rlimits (process->rlimits, at, error)
         && check_console (process, at, error)
         && check_affinity (process->exec_cpu_affinity, at, error);
}

OciProcess *
oci_process_parse (const char *text, gsize length, const char *name, GPtrArray **ret_notes,
                   GError **error)
{
  OciDocument document = { text, length, name };
  g_autoptr (GPtrArray) notes = oci_notes_new ();
  g_autoptr (OciProcess) process = NULL;

  process = oci_document_read (&oci_process_type, &document, notes, error);
  if (process == NULL)
    return NULL;
  if (!oci_process_check (process, "", error))
    {
      oci_document_invalid (&document, error);
      return NULL;
    }
  oci_notes_return (g_steal_pointer (&notes), ret_notes);
  return g_steal_pointer (&process);
}

void
oci_process_free (OciProcess *process)
{
  field_free (&oci_process_type, process);
}
