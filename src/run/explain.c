/* Why a container could not be made; see explain.h.
 *
 * bwrap and the kernel say no more than "no space" or "not permitted". */
#include "config.h"

#include "run/explain.h"

#include "base/error.h"
#include "host/machine.h"
#include "init/ops.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* Beginnings of messages that may be about namespaces: of bwrap, of the process that makes or joins
 * them, of the init where it first needs its rights. */
static const char *const sources[] = {
  "bwrap: ", "new user namespace: ", "/init: ",
  "config.json: /linux/uidMappings: ", "config.json: /root/path: ",
};

/* What limits are where there is none (namespaces(7)). */
#define UNLIMITED G_MAXINT32

/* Words of a system error, or of bwrap's own message for it. */
static const struct {
  const char *words;
  int error;
} signs[] = {
  { "No space left on device", ENOSPC },
  { "(ENOSPC)", ENOSPC },
  { "No permissions to", EPERM },
  { "Operation not permitted", EPERM },
  { "Permission denied", EPERM },
};

static int
error_in (const char *message)
{
  gboolean about_namespaces = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    about_namespaces = about_namespaces || g_str_has_prefix (message, sources[i]);
  for (gsize i = 0; about_namespaces && i < G_N_ELEMENTS (signs); i++)
    if (strstr (message, signs[i].words) != NULL)
      return signs[i].error;
  return 0;
}

/* The type of namespace that may be made least often; 0: not known. */
static int
scarcest_type (int types, gint64 *ret_limit)
{
  int scarcest = 0;
  gint64 lowest = -1;

  for (const Name *type = oci_namespace_names; type->name != NULL; type++)
    {
      gint64 limit = types & type->value ? host_namespace_limit ((int) type->value) : -1;

      if (limit >= 0 && (lowest < 0 || limit < lowest))
        {
          lowest = limit;
          scarcest = (int) type->value;
        }
    }
  *ret_limit = lowest;
  return scarcest;
}

/* Replaces @error. */
static void
used_up (const Plan *plan, GError **error)
{
  g_autofree char *sysctl = NULL;
  gint64 limit;
  int type = scarcest_type (plan->new_namespaces, &limit);
  const char *name = name_of (oci_namespace_names, type);

  if (type == 0)
    return;
  g_clear_error (error);
  sysctl = host_namespace_limit_name (type);
  if (limit >= UNLIMITED)
    throw (error, "no further namespace can be made: this is one where none may be made (bwrap"
           " --disable-userns), or they are nested too deep");
  else if (limit == 0)
    throw (error, "no %s namespace can be made: %s is 0 (sysctl -w %s=65536)", name, sysctl,
           sysctl);
  else
    throw (error, "no further %s namespace can be made: all %" G_GINT64_FORMAT " that %s allows are"
           " in use, or they are nested too deep (sysctl -w %s=%" G_GINT64_FORMAT ")", name, limit,
           sysctl, sysctl, 2 * limit);
}

/* Replaces @error, or adds to it where it may have another reason. */
static void
not_permitted (const Plan *plan, gboolean made, GError **error)
{
  MachineFacts facts = { 0 };

  host_machine_probe_problems (&facts);
  if (facts.userns_clone_off && !made && (plan->new_namespaces & CLONE_NEWUSER) != 0)
    {
      g_clear_error (error);
      throw (error, "users may not make user namespaces: kernel.unprivileged_userns_clone is 0"
             " (sysctl -w kernel.unprivileged_userns_clone=1)");
    }
  else if (facts.apparmor_restricts)
    {
      g_autofree char *message = g_strdup ((*error)->message);

      g_clear_error (error);
      throw (error, "%s: by AppArmor, since kernel.apparmor_restrict_unprivileged_userns is 1 and"
             " bwrap or bwrap-oci has no profile with \"userns,\" (apparmor_parser -r"
             " contrib/apparmor/bwrap-oci)", message);
    }
}

/* Replaces @error: bwrap may do its work, but what it starts may not do ours. */
static void
restricted (GError **error)
{
  g_clear_error (error);
  throw (error, INIT_RESTRICTED ", so what bwrap cannot do itself cannot be done (with AppArmor:"
         " apparmor_parser -r contrib/apparmor/bwrap-oci allows it; --mode=plain does without)");
}

/* Whether bwrap could not mount a procfs: the kernel gives one only to who sees all of another. */
static gboolean
is_masked (const char *message)
{
  return g_str_has_prefix (message, "bwrap: Can't mount proc on ");
}

gboolean
explain_failure (const Plan *plan, gboolean made, GError **error)
{
  int reason = error != NULL && *error != NULL ? error_in ((*error)->message) : 0;

  if (reason == EPERM && strstr ((*error)->message, INIT_RESTRICTED) != NULL)
    {
      restricted (error);
      return FALSE;
    }

  if (reason == EPERM && is_masked ((*error)->message))
    {
      g_clear_error (error);
      throw (error, "a pid namespace needs a /proc of its own, and none can be mounted where paths"
             " of this one are hidden or read-only (outside: podman run --security-opt unmask=ALL,"
             " or no maskedPaths and readonlyPaths)");
    }
  else if (reason == ENOSPC && !made)
    used_up (plan, error);
  else if (reason == EPERM)
    not_permitted (plan, made, error);
  return FALSE;
}
