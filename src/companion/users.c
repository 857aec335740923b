/* What the C library and libsubid know of users. Both load plugins for it, which bwrap-oci does
 * without. This process ends with the one that asks, and does not let it wait for ever. */
#include "config.h"

#include "companion/companion.h"

#include "base/error.h"

#include <dlfcn.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef HAVE_LIBSUBID
#include <stdbool.h>
#include <shadow/subid.h>
#endif

#define ANSWER_WAIT_SEC 30

static void
be_brief (void)
{
  (void) alarm (ANSWER_WAIT_SEC);
  (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
}

gboolean
companion_user (char **args, GError **error)
{
  const struct passwd *entry;
  guint64 uid;

  be_brief ();
  if (!g_ascii_string_to_unsigned (args[0], 10, 0, G_MAXUINT32 - 1, &uid, error))
    return FALSE;
  entry = getpwuid ((uid_t) uid);
  if (entry != NULL)
    (void) puts (entry->pw_name);
  return TRUE;
}

#ifdef HAVE_LIBSUBID
typedef bool (*InitFunction) (const char *program, FILE *log);
typedef int (*RangesFunction) (const char *owner, struct subid_range **ranges);

/* The libraries that there are, the newest first; 3 still had other names. */
static const struct {
  const char *file;
  const char *init;
  const char *uids;
  const char *gids;
} libraries[] = {
  { "libsubid.so.5", "subid_init", "subid_get_uid_ranges", "subid_get_gid_ranges" },
  { "libsubid.so.4", "subid_init", "subid_get_uid_ranges", "subid_get_gid_ranges" },
  { "libsubid.so.3", "libsubid_init", "get_subuid_ranges", "get_subgid_ranges" },
};

/* Looks @name up in @library. A union, as ISO C has no cast from object to function pointer. */
#define LIBRARY_FUNCTION(library, name, T) \
  (((union { void *object; T function; }) { .object = dlsym (library, name) }).function)

/* Appends what @ask says of @user to @lines, as lines of subuid(5) of @owner. */
static gboolean
add_ranges (GString *lines, RangesFunction ask, const char *user, const char *owner)
{
  struct subid_range *found = NULL;
  int n = ask != NULL ? ask (user, &found) : -1;

  for (int i = 0; i < n; i++)
    g_string_append_printf (lines, "%s:%lu:%lu\n", owner, found[i].start, found[i].count);
  free (found);
  return n >= 0;
}

gboolean
companion_sub_ids (char **args, GError **error)
{
  g_autoptr (GString) lines = g_string_new (NULL);

  be_brief ();
  for (gsize i = 0; i < G_N_ELEMENTS (libraries); i++)
    {
      void *library = dlopen (libraries[i].file, RTLD_NOW | RTLD_LOCAL);
      InitFunction init;

      if (library == NULL)
        continue;
      /* without a log of its own it would write to stderr */
      init = LIBRARY_FUNCTION (library, libraries[i].init, InitFunction);
      return (init != NULL && init (PACKAGE_NAME, NULL)
              && add_ranges (lines, LIBRARY_FUNCTION (library, libraries[i].uids, RangesFunction),
                             args[0], "uid")
              && add_ranges (lines, LIBRARY_FUNCTION (library, libraries[i].gids, RangesFunction),
                             args[0], "gid")
              && fputs (lines->str, stdout) >= 0)
             || throw (error, "%s has no answer", libraries[i].file);
    }
  return throw (error, "libsubid is not installed");
}
#else
gboolean
companion_sub_ids (char **args, GError **error)
{
  return throw (error, "built without libsubid");
}
#endif
