/* Kernel parameters; see sysctl.h. */
#include "config.h"

#include "spec/sysctl.h"

#include "base/error.h"

#include <linux/sched.h>
#include <string.h>

/* The parameters that each namespace has for itself. */
static const struct {
  const char *path;
  int namespace;  /* CLONE_NEW... */
  gboolean below; /* all files below the directory */
} owned[] = {
  { "net/", CLONE_NEWNET, TRUE },
  { "fs/mqueue/", CLONE_NEWIPC, TRUE },
  { "kernel/msg_next_id", CLONE_NEWIPC, FALSE },
  { "kernel/msgmax", CLONE_NEWIPC, FALSE },
  { "kernel/msgmnb", CLONE_NEWIPC, FALSE },
  { "kernel/msgmni", CLONE_NEWIPC, FALSE },
  { "kernel/sem", CLONE_NEWIPC, FALSE },
  { "kernel/sem_next_id", CLONE_NEWIPC, FALSE },
  { "kernel/shm_next_id", CLONE_NEWIPC, FALSE },
  { "kernel/shm_rmid_forced", CLONE_NEWIPC, FALSE },
  { "kernel/shmall", CLONE_NEWIPC, FALSE },
  { "kernel/shmmax", CLONE_NEWIPC, FALSE },
  { "kernel/shmmni", CLONE_NEWIPC, FALSE },
  { "kernel/domainname", CLONE_NEWUTS, FALSE },
  { "user/", CLONE_NEWUSER, TRUE },
};

char *
oci_sysctl_path (const char *key)
{
  gboolean dots = key[strcspn (key, "./")] == '.';
  g_autofree char *path = g_strdup (key);
  g_auto (GStrv) parts = NULL;

  for (char *p = path; dots && *p != '\0'; p++)
    if (*p == '.')
      *p = '/';
    else if (*p == '/')
      *p = '.';

  parts = g_strsplit (path, "/", -1);
  if (parts[0] == NULL)
    return NULL;
  for (guint i = 0; parts[i] != NULL; i++)
    if (parts[i][0] == '\0' || strcmp (parts[i], ".") == 0 || strcmp (parts[i], "..") == 0)
      return NULL;
  return g_steal_pointer (&path);
}

/* Returns the namespace (CLONE_NEW...) that @path belongs to, or 0. */
static int
namespace_of (const char *path)
{
  for (gsize i = 0; i < G_N_ELEMENTS (owned); i++)
    if (owned[i].below ? g_str_has_prefix (path, owned[i].path) : strcmp (path, owned[i].path) == 0)
      return owned[i].namespace;
  return 0;
}

static gboolean
check_key (const OciLinux *linux_, const char *key, const char *domainname, GError **error)
{
  g_autofree char *path = oci_sysctl_path (key);
  int namespace;

  if (path == NULL)
    return throw (error, "/linux/sysctl: invalid key \"%.100s\"", key);
  if (strcmp (path, "kernel/hostname") == 0
      || (domainname != NULL && strcmp (path, "kernel/domainname") == 0))
    return throw (error, "/linux/sysctl: \"%.100s\" is not allowed as it conflicts with /%s", key,
                  path + strlen ("kernel/"));
  namespace = namespace_of (path);
  if (namespace == 0)
    return throw (error, "/linux/sysctl: \"%.100s\" is not in a separate kernel namespace", key);
  if (oci_linux_namespace (linux_, namespace) == NULL)
    return throw (error, "/linux/sysctl: \"%.100s\" needs the container's own %s namespace", key,
                  name_of (oci_namespace_names, namespace));
  return TRUE;
}

gboolean
oci_sysctl_check (const OciLinux *linux_, const char *domainname, GError **error)
{
  for (guint i = 0; i < field_count (linux_->sysctl); i++)
    {
      const OciPair *pair = g_ptr_array_index (linux_->sysctl, i);

      if (!check_key (linux_, pair->key, domainname, error))
        return FALSE;
    }
  return TRUE;
}
