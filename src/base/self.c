/* The running program and our others; see self.h. */
#include "config.h"

#include "base/self.h"

#include "base/error.h"

#include <limits.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

gboolean
self_unprivileged (GError **error)
{
  return getauxval (AT_SECURE) == 0
         || throw (error, "refusing to run with raised privileges (set-user-ID or capabilities of"
                          " the file)");
}

char *
self_path (GError **error)
{
  char path[PATH_MAX];
  ssize_t length = readlink ("/proc/self/exe", path, sizeof path - 1);

  if (length <= 0)
    return throw_null_errno (error, "readlink /proc/self/exe");
  return g_strndup (path, (gsize) length);
}

char *
self_find_program (const char *name, GError **error)
{
  g_autofree char *installed = g_strconcat (PKGLIBEXECDIR "/", name, NULL);
  g_autofree char *self = self_path (error);
  g_autofree char *beside = NULL;
  char *slash;

  if (self == NULL)
    return NULL;
  slash = strrchr (self, '/');
  if (slash != NULL)
    {
      *slash = '\0';
      beside = g_strconcat (self, "/", name, NULL);
      if (access (beside, X_OK) == 0)
        return g_steal_pointer (&beside);
    }
  if (access (installed, X_OK) < 0)
    return throw_null_errno (error, "%s is neither beside this program nor at %s", name,
                             installed);
  return g_steal_pointer (&installed);
}
