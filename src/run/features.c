/* What this runtime can do; see features.h.
 *
 * Nothing is listed here: the rows of the configuration say what is done, and their tables which
 * words are understood. */
#include "config.h"

#include "run/features.h"

#include "base/proc.h"
#include "host/bwrap.h"
#include "host/netdevices.h"
#include "plan/mounts.h"
#include "spec/spec.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HOOKS "hooks."

/* Which words a row takes. */
static const struct {
  const char *path;
  gsize offset;
} word_rows[] = {
  { "linux.namespaces[].type", offsetof (Features, namespaces) },
  { "linux.seccomp.defaultAction", offsetof (Features, seccomp_actions) },
  { "linux.seccomp.syscalls[].args[].op", offsetof (Features, seccomp_operators) },
  { "linux.seccomp.architectures", offsetof (Features, seccomp_architectures) },
  { "linux.seccomp.flags", offsetof (Features, seccomp_flags) },
  { "linux.memoryPolicy.mode", offsetof (Features, memory_policy_modes) },
  { "linux.memoryPolicy.flags", offsetof (Features, memory_policy_flags) },
};

/* Whether a row is done. */
static const struct {
  const char *path;
  gsize offset;
} switch_rows[] = {
  { "linux.resources.rdma", offsetof (Features, rdma) },
  { "linux.seccomp", offsetof (Features, seccomp) },
  { "process.apparmorProfile", offsetof (Features, apparmor) },
  { "process.selinuxLabel", offsetof (Features, selinux) },
  { "linux.intelRdt", offsetof (Features, intel_rdt) },
  { "linux.intelRdt.schemata", offsetof (Features, intel_rdt_schemata) },
  { "linux.intelRdt.enableMonitoring", offsetof (Features, intel_rdt_monitoring) },
  { "linux.netDevices", offsetof (Features, net_devices) },
};

static const gsize lists[] = {
  offsetof (Features, hooks),
  offsetof (Features, mount_options),
  offsetof (Features, namespaces),
  offsetof (Features, capabilities),
  offsetof (Features, seccomp_actions),
  offsetof (Features, seccomp_operators),
  offsetof (Features, seccomp_architectures),
  offsetof (Features, seccomp_flags),
  offsetof (Features, seccomp_kernel_flags),
  offsetof (Features, memory_policy_modes),
  offsetof (Features, memory_policy_flags),
};

static GPtrArray **
list_at (Features *features, gsize offset)
{
  return (GPtrArray **) (gpointer) ((char *) features + offset);
}

static void
add_names (GPtrArray *list, const Name *names)
{
  for (; names->name != NULL; names++)
    g_ptr_array_add (list, (gpointer) names->name);
}

/* Looks at one row of the configuration. */
static void
visit_row (const char *path, const Field *field, FieldSupport support, const char *reason,
           gpointer data)
{
  Features *features = data;

  if (support != FIELD_DONE)
    return;
  if (g_str_has_prefix (path, HOOKS) && strpbrk (path + strlen (HOOKS), ".[") == NULL)
    g_ptr_array_add (features->hooks, (gpointer) field->name);
  for (gsize i = 0; i < G_N_ELEMENTS (word_rows); i++)
    if (strcmp (word_rows[i].path, path) == 0)
      add_names (*list_at (features, word_rows[i].offset), field->names);
  for (gsize i = 0; i < G_N_ELEMENTS (switch_rows); i++)
    if (strcmp (switch_rows[i].path, path) == 0)
      *(gboolean *) (gpointer) ((char *) features + switch_rows[i].offset) = TRUE;
}

/* seccomp(2): flags are looked at before the filter, which is nowhere here. */
static gboolean
kernel_has_flag (gint64 flag)
{
  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned) flag, NULL) < 0
         && errno == EFAULT;
}

static void
add_kernel_flags (Features *features)
{
  for (guint i = 0; i < features->seccomp_flags->len; i++)
    {
      const char *name = g_ptr_array_index (features->seccomp_flags, i);

      if (kernel_has_flag (name_find (oci_seccomp_flags, name)->value))
        g_ptr_array_add (features->seccomp_kernel_flags, (gpointer) name);
    }
}

static void
add_mount_options (Features *features)
{
  g_autofree const char **names = mount_option_names ();

  for (const char **name = names; *name != NULL; name++)
    g_ptr_array_add (features->mount_options, (gpointer) *name);
  /* takes privilege over the file system */
  features->idmap = geteuid () == 0 && proc_has_capability (CAP_SYS_ADMIN);
}

void
features_read (const char *bwrap, Features *ret_features)
{
  Features *features = ret_features;
  const struct scmp_version *seccomp = seccomp_version ();
  g_auto (BwrapFacts) facts = { 0 };

  *features = (Features) { .systemd = TRUE };
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    *list_at (features, lists[i]) = g_ptr_array_new ();
  field_walk (&oci_spec_type, visit_row, features);
  add_mount_options (features);
  add_names (features->capabilities, name_capabilities);
  add_kernel_flags (features);
  features->net_devices = features->net_devices && host_rules_network ();
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    g_ptr_array_add (*list_at (features, lists[i]), NULL);
  host_bwrap_probe (&facts, bwrap != NULL ? bwrap : BWRAP_PATH, -1);
  if (facts.problem == NULL)
    features->bwrap = g_strdup (facts.version);
  features->libseccomp = g_strdup_printf ("%u.%u.%u", seccomp->major, seccomp->minor,
                                          seccomp->micro);
}

void
features_clear (Features *features)
{
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    g_clear_pointer (list_at (features, lists[i]), g_ptr_array_unref);
  g_clear_pointer (&features->bwrap, g_free);
  g_clear_pointer (&features->libseccomp, g_free);
}
