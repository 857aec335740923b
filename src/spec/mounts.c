/* The root file system and the mounts; see mounts.h. */
#include "config.h"

#include "spec/mounts.h"

#include "base/error.h"
#include "spec/idmap.h"

#include <limits.h>
#include <string.h>

static const Field root_fields[] = {
  FIELD_STRING (OciRoot, path, "path", "directory of the root file system",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_BOOL (OciRoot, readonly, "readonly", "whether it is read-only inside the container"),
  FIELD_END,
};

const FieldType oci_root_type = { "root", sizeof (OciRoot), root_fields };

static const Field mount_fields[] = {
  FIELD_STRING (OciMount, destination, "destination", "path inside the container",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_STRING (OciMount, source, "source", "what is mounted", .flags = FIELD_EMPTY_ABSENT),
  FIELD_STRINGS (OciMount, options, "options", "mount options"),
  FIELD_STRING (OciMount, type, "type", "type of the file system", .flags = FIELD_EMPTY_ABSENT),
  FIELD_OBJECTS (OciMount, uid_mappings, oci_id_mapping_type, "uidMappings",
                 "user ids of an id-mapped mount"),
  FIELD_OBJECTS (OciMount, gid_mappings, oci_id_mapping_type, "gidMappings",
                 "group ids of an id-mapped mount"),
  FIELD_END,
};

const FieldType oci_mount_type = { "mount", sizeof (OciMount), mount_fields };

/* What may be mounted over below /proc: nothing here is read or written to confine the container
 * (a mount over /proc/self/attr would make writes of security labels vanish). */
static const char *const proc_allowed[] = {
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/net/dev",
  "/proc/slabinfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/sys",
  "/proc/sys/crypto/fips_enabled",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/uptime",
  NULL,
};

char *
oci_path_normalize (const char *path)
{
  /* as if it were relative: POSIX lets two slashes at the start mean something else, GLib too */
  return g_canonicalize_filename (path + strspn (path, "/"), "/");
}

gboolean
oci_root_check (const OciRoot *root, GError **error)
{
  g_autofree char *path = NULL;

  if (!g_path_is_absolute (root->path))
    return TRUE;
  path = oci_path_normalize (root->path);
  if (strcmp (path, "/") == 0)
    return throw (error, "/root/path: the root of the host cannot be the root file system");
  return TRUE;
}

static gboolean
is_bind (const OciMount *mount)
{
  const char *const *options = (const char *const *) mount->options;

  return g_strcmp0 (mount->type, "bind") == 0
         || (options != NULL
             && (g_strv_contains (options, "bind") || g_strv_contains (options, "rbind")));
}

/* Whether @mount may be put at @destination, which is /proc or below it. A bind of the host's /proc
 * is fine too; what the source of a bind is, only the machine can tell. */
static gboolean
proc_is_allowed (const OciMount *mount, const char *destination)
{
  if (strcmp (destination, "/proc") == 0)
    return g_strcmp0 (mount->type, "proc") == 0 || is_bind (mount);
  return g_strv_contains (proc_allowed, destination);
}

static gboolean
check_destination (const OciMount *mount, guint i, GError **error)
{
  g_autofree char *destination = NULL;

  if (strlen (mount->destination) >= PATH_MAX)
    return throw (error, "/mounts/%u/destination: too long: %zu bytes, at most %d", i,
                  strlen (mount->destination), PATH_MAX - 1);
  destination = oci_path_normalize (mount->destination);
  if (strcmp (destination, "/") == 0)
    return throw (error, "/mounts/%u/destination: must not be the root directory, got \"%.100s\"",
                  i, mount->destination);
  if ((strcmp (destination, "/proc") == 0 || g_str_has_prefix (destination, "/proc/"))
      && !proc_is_allowed (mount, destination))
    return throw (error, "/mounts/%u/destination: \"%.100s\" cannot be mounted because it is inside"
                  " /proc", i, mount->destination);
  return TRUE;
}

static gboolean
check_mappings (const OciMount *mount, guint i, GError **error)
{
  g_autofree char *uids = g_strdup_printf ("/mounts/%u/uidMappings", i);
  g_autofree char *gids = g_strdup_printf ("/mounts/%u/gidMappings", i);

  if ((field_count (mount->uid_mappings) == 0) != (field_count (mount->gid_mappings) == 0))
    return throw (error, "/mounts/%u: uidMappings and gidMappings must be given together", i);
  return oci_id_mappings_check (mount->uid_mappings, uids, error)
         && oci_id_mappings_check (mount->gid_mappings, gids, error);
}

gboolean
oci_mounts_check (const GPtrArray *mounts, GError **error)
{
  for (guint i = 0; i < field_count (mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (mounts, i);

      if (!check_destination (mount, i, error) || !check_mappings (mount, i, error))
        return FALSE;
    }
  return TRUE;
}

char *
oci_mount_pointer (const GPtrArray *mounts, guint index)
{
  guint number = index;

  if (((const OciMount *) g_ptr_array_index (mounts, index))->added)
    return g_strdup ("/process/args/0");
  for (guint i = 0; i < index; i++)
    number -= ((const OciMount *) g_ptr_array_index (mounts, i))->added != FALSE;
  return g_strdup_printf ("/mounts/%u", number);
}
