/* Devices, and paths that are hidden or read-only, of the plain command. */
#include "config.h"

#include "plan/plain_work.h"

#include "spec/mounts.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>

/* Whether the usual devices are there: bwrap's own /dev, or one that the caller binds. */
static gboolean
dev_is_full (const PlainWork *work)
{
  for (guint i = 0; work->targets[i] != NULL; i++)
    {
      PlainKind kind = plain_kind (work->spec, work->targets, i);

      if (strcmp (work->targets[i], "/dev") == 0 && (kind == PLAIN_DEV || kind == PLAIN_BIND))
        return TRUE;
    }
  return FALSE;
}

static void
add_device (PlainWork *work, guint index)
{
  const OciDevice *device = g_ptr_array_index (work->spec->linux_->devices, index);
  const SourceFacts *source = g_ptr_array_index (work->facts->bundle.devices, index);
  g_autofree char *at = g_strdup_printf ("/linux/devices/%u", index);
  g_autofree char *target = oci_path_normalize (device->path);

  if (device->type == 'p')
    plain_lose (work->plain, at, "%s: bwrap makes no FIFO", target);
  else if (source == NULL || source->error != 0)
    plain_lose (work->plain, at, "%s: the host has no such node to bind", target);
  else if (plain_check_target (work, plain_path (work, at), at, target))
    {
      const PlainPoint point = { .pointer = at, .target = target,
                                 .path = plain_path (work, at) };

      plain_add (work->plain, "--dev-bind", source->path, target, NULL);
      plain_point (work, &point);
      if (device->file_mode.set || device->uid.set || device->gid.set)
        plain_differ (work->plain, at, "%s keeps the mode and owner of the host's node", target);
    }
}

void
plain_devices (PlainWork *work)
{
  for (guint i = 0; i < field_count (work->spec->linux_->devices); i++)
    add_device (work, i);
  if (dev_is_full (work))
    return;
  for (guint i = 0; plain_default_devices[i] != NULL; i++)
    {
      const char *device = plain_default_devices[i];

      if (plain_check_target (work, plain_path (work, device), device, device))
        plain_add (work->plain, "--dev-bind", device, device, NULL);
    }
  plain_lose (work->plain, "/mounts", "/dev has no links: ptmx, fd, stdin, stdout, stderr");
}

/* Whether something is there that can be hidden or made read-only; says what is lost where that
 * cannot be known. */
static gboolean
is_there (const PlainWork *work, const char *pointer, const char *path)
{
  const PathFacts *facts = plain_path (work, pointer);

  if (plain_is_known (work, facts) && (facts->error == ENOENT || facts->error == ENOTDIR))
    return FALSE;
  return plain_check_target (work, facts, pointer, path);
}

/* A mount of bwrap's on the path would cover those below it. */
static gboolean
has_mounts_below (const PlainWork *work, const char *path)
{
  for (guint i = 0; work->targets[i] != NULL; i++)
    {
      const char *rest = plain_below (work->targets[i], path);

      if (rest != NULL && *rest != '\0')
        return TRUE;
    }
  return FALSE;
}

/* bwrap binds what is on the host only: the same thing, looked up there. */
static void
make_readonly (PlainWork *work, const char *pointer, const char *path)
{
  const PathFacts *facts = plain_path (work, pointer);
  g_autofree char *source = plain_path_on_host (work, facts);
  gboolean covering = has_mounts_below (work, path), mounted = *facts->rest == '\0';
  const PlainPoint point = { .pointer = (char *) pointer, .target = (char *) path,
                             .path = facts, .directory = S_ISDIR (facts->mode),
                             .read_only = TRUE };

  if (covering)
    plain_lose (work->plain, pointer, "%s %s", path,
                mounted ? "is read-only without the mounts below it"
                        : "stays writable: there are mounts below it");
  else if (facts->base == PATH_DEV && !mounted)
    plain_lose (work->plain, pointer, "%s stays writable", path);
  else if (!mounted || facts->base == PATH_SOURCE)
    {
      plain_add (work->plain, "--ro-bind", source, path, NULL);
      plain_point (work, &point);
      return;
    }
  if (mounted)
    {
      plain_add (work->plain, "--remount-ro", path, NULL);
      plain_point (work, &point);
    }
}

static void
hide (PlainWork *work, const char *pointer, const char *path)
{
  const PathFacts *facts = plain_path (work, pointer);
  gboolean directory = S_ISDIR (facts->mode);
  const PlainPoint point = { .pointer = (char *) pointer, .target = (char *) path, .path = facts,
                             .directory = directory, .read_only = directory,
                             .filesystem = directory ? TMPFS_MAGIC : 0 };

  if (directory)
    {
      plain_add (work->plain, "--perms", "0755", "--tmpfs", path, NULL);
      plain_add (work->plain, "--remount-ro", path, NULL);
    }
  else
    /* a read-only bind would be without devices, and so unreadable */
    plain_add (work->plain, "--dev-bind", "/dev/null", path, NULL);
  plain_point (work, &point);
}

static void
protect (PlainWork *work, const char *chapter, char *const *paths,
         void (*how) (PlainWork *work, const char *pointer, const char *path))
{
  for (guint i = 0; paths != NULL && paths[i] != NULL; i++)
    {
      g_autofree char *pointer = g_strdup_printf ("/linux/%s/%u", chapter, i);
      g_autofree char *path = oci_path_normalize (paths[i]);

      if (is_there (work, pointer, path))
        how (work, pointer, path);
    }
}

void
plain_paths_protected (PlainWork *work)
{
  const OciLinux *linux_ = work->spec->linux_;

  protect (work, "readonlyPaths", linux_->readonly_paths, make_readonly);
  protect (work, "maskedPaths", linux_->masked_paths, hide);
}
