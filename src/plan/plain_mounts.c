/* Mounts of the plain command. What an option asks for and bwrap does not give is told by name. */
#include "config.h"

#include "plan/mounts.h"
#include "plan/plain_work.h"

#include "plan/builder.h"

#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#define MQUEUE_MAGIC 0x19800202

#define IN(kind) (1u << (kind))
#define EVERYWHERE (~0u)

/* Options that hold, by kind of mount (as bits): bwrap gives them, or they ask for nothing, as on a
 * mqueue, where there are neither programs nor devices. An option that is not here is lost. */
static const struct {
  const char *name;
  unsigned kinds;
} kept[] = {
  { "U", IN (PLAIN_BIND) },
  { "Z", IN (PLAIN_BIND) },
  { "async", EVERYWHERE },
  { "atime", EVERYWHERE },
  { "bind", EVERYWHERE },
  { "defaults", EVERYWHERE },
  { "dev", EVERYWHERE },
  { "diratime", EVERYWHERE },
  { "exec", EVERYWHERE },
  { "loud", EVERYWHERE },
  { "mode=0620", IN (PLAIN_DEVPTS) },
  { "mode=0755", IN (PLAIN_DEV) },
  { "mode=620", IN (PLAIN_DEVPTS) },
  { "mode=755", IN (PLAIN_DEV) },
  { "newinstance", IN (PLAIN_DEVPTS) },
  { "nodev", EVERYWHERE },
  { "noexec", IN (PLAIN_PROC) | IN (PLAIN_SYSFS) | IN (PLAIN_DEVPTS) | IN (PLAIN_CGROUP)
              | IN (PLAIN_MQUEUE) },
  { "nolazytime", EVERYWHERE },
  { "nomand", EVERYWHERE },
  { "norelatime", EVERYWHERE },
  { "nostrictatime", EVERYWHERE },
  { "nosuid", EVERYWHERE },
  { "private", EVERYWHERE },
  { "ptmxmode=0666", IN (PLAIN_DEVPTS) },
  { "ptmxmode=666", IN (PLAIN_DEVPTS) },
  { "rbind", EVERYWHERE },
  { "relatime", EVERYWHERE },
  { "rnodev", EVERYWHERE },
  { "rnosuid", EVERYWHERE },
  { "ro", ~IN (PLAIN_DEV) & ~IN (PLAIN_DEVPTS) },
  { "rprivate", EVERYWHERE },
  { "rro", IN (PLAIN_BIND) | IN (PLAIN_SYSFS) | IN (PLAIN_CGROUP) },
  { "rw", EVERYWHERE },
  { "silent", EVERYWHERE },
  { "suid", EVERYWHERE },
  { "symfollow", EVERYWHERE },
  { "z", IN (PLAIN_BIND) },
};

/* Options that a bind keeps from its source. */
static const struct {
  const char *name;
  guint64 attribute;
} inherited[] = {
  { "noatime", MOUNT_ATTR_NOATIME },
  { "nodiratime", MOUNT_ATTR_NODIRATIME },
  { "noexec", MOUNT_ATTR_NOEXEC },
  { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
};

/* One mount under way. */
typedef struct {
  const PlainWork *work;
  const OciMount *mount;
  const SourceFacts *source;  /* NULL: it is no bind */
  const PathFacts *path;
  const char *at;      /* its JSON pointer */
  const char *target;
  PlainKind kind;
  gboolean read_only;
  GString *lost;       /* options, separated by ", " */
} Mount;

static void
lose_option (Mount *mount, const char *option)
{
  g_string_append_printf (mount->lost, "%s%s", mount->lost->len > 0 ? ", " : "", option);
}

/* Whether a container has no other value of @option, what it runs being its root. */
static gboolean
is_own_id (const Mount *mount, const char *option)
{
  return mount->work->points != NULL && mount->kind == PLAIN_TMPFS
         && (strcmp (option, "uid=0") == 0 || strcmp (option, "gid=0") == 0);
}

/* Whether every container leaves @option of a devpts out: no such group is mapped. */
static gboolean
is_foreign_group (const Mount *mount, const char *option)
{
  guint64 gid;

  return mount->work->points != NULL && mount->kind == PLAIN_DEVPTS
         && g_str_has_prefix (option, "gid=")
         && g_ascii_string_to_unsigned (option + 4, 10, 0, G_MAXUINT32, &gid, NULL)
         && !plan_id_is_mapped (mount->work->gid_map, (guint32) gid);
}

static gboolean
is_kept (const Mount *mount, const char *option)
{
  if (is_own_id (mount, option))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    if (strcmp (option, kept[i].name) == 0 && (kept[i].kinds & IN (mount->kind)) != 0)
      return TRUE;
  for (gsize i = 0; mount->source != NULL && i < G_N_ELEMENTS (inherited); i++)
    if (strcmp (option, inherited[i].name) == 0 && (mount->source->flags & inherited[i].attribute))
      return TRUE;
  return FALSE;
}

/* Whether @option is told where it is done (or not): tmpfs has options with values. */
static gboolean
is_told_elsewhere (const Mount *mount, const char *option)
{
  return strcmp (option, "tmpcopyup") == 0
         || (mount->kind == PLAIN_TMPFS
             && (g_str_has_prefix (option, "mode=") || g_str_has_prefix (option, "size=")));
}

static void
sort_options (Mount *mount)
{
  for (char **option = mount->mount->options; option != NULL && *option != NULL; option++)
    {
      if (strcmp (*option, "ro") == 0 || strcmp (*option, "rro") == 0)
        mount->read_only = TRUE;
      else if (strcmp (*option, "rw") == 0)
        mount->read_only = FALSE;
      if (is_foreign_group (mount, *option))
        plain_differ (mount->work->plain, mount->at, "option %s is left out: not mapped", *option);
      else if (!is_kept (mount, *option) && !is_told_elsewhere (mount, *option))
        lose_option (mount, *option);
    }
}

/* The value of the last option NAME=VALUE; NULL: there is none. */
static const char *
option_value (const Mount *mount, const char *name)
{
  gsize length = strlen (name);
  const char *value = NULL;

  for (char **option = mount->mount->options; option != NULL && *option != NULL; option++)
    if (strncmp (*option, name, length) == 0 && (*option)[length] == '=')
      value = *option + length + 1;
  return value;
}

/* A size as mount(8) has it, "65536k", in bytes; 0: none that bwrap takes. A sign is none. */
static guint64
parse_size (const char *text)
{
  static const char units[] = "kmg";
  char *end;
  guint64 size = g_ascii_strtoull (text, &end, 10);
  const char *unit = *end != '\0' ? strchr (units, g_ascii_tolower (*end)) : NULL;
  unsigned shift = unit != NULL ? 10 * (unsigned) (unit - units + 1) : 0;

  if (!g_ascii_isdigit (*text) || (*end != '\0' && unit == NULL) || (unit != NULL && end[1] != '\0')
      || size > G_MAXUINT64 >> shift)
    return 0;
  return size << shift;
}

/* As the kernel and the init have it: the mode of what lies below, else that of a new one. */
static char *
tmpfs_mode (Mount *mount)
{
  const char *wanted = option_value (mount, "mode");
  guint64 mode = 01777;

  if (wanted != NULL)
    {
      if (g_ascii_string_to_unsigned (wanted, 8, 0, 07777, &mode, NULL))
        return g_strdup_printf ("%04o", (unsigned) mode);
      lose_option (mount, "mode");
      mode = 0755;
    }
  else if (mount->path->error == 0 && S_ISDIR (mount->path->mode))
    mode = mount->path->mode & 07777;
  return g_strdup_printf ("%04o", (unsigned) mode);
}

static void
add_tmpfs (Mount *mount)
{
  Plain *plain = mount->work->plain;
  const char *wanted = option_value (mount, "size");
  guint64 size = wanted != NULL ? parse_size (wanted) : 0;
  g_autofree char *mode = tmpfs_mode (mount);
  g_autofree char *bytes = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  gboolean sized = size > 0 && (mount->work->facts->machine.bwrap.options & BWRAP_SIZE) != 0;

  if (wanted != NULL && !sized)
    lose_option (mount, "size");
  if (sized)
    plain_add (plain, "--perms", mode, "--size", bytes, "--tmpfs", mount->target, NULL);
  else
    plain_add (plain, "--perms", mode, "--tmpfs", mount->target, NULL);
  for (char **option = mount->mount->options; option != NULL && *option != NULL; option++)
    if (strcmp (*option, "tmpcopyup") == 0)
      plain_lose (plain, mount->at, "what the image has in %s is not copied up", mount->target);
}

/* Nodes stay usable only so; of a folder, where there may be some. */
static gboolean
needs_devices (const SourceFacts *source)
{
  return S_ISCHR (source->mode) || S_ISBLK (source->mode)
         || plain_below (source->path, "/dev") != NULL;
}

static gboolean
add_bind (Mount *mount, GError **error)
{
  const SourceFacts *source = mount->source;
  g_autofree char *at = g_strconcat (mount->at, "/source", NULL);
  Plain *plain = mount->work->plain;
  const char *option = mount->read_only ? "--ro-bind" : "--bind";

  if (source == NULL)
    return plan_refuse (error, at, "missing: a bind mount needs one");
  if (source->error != 0)
    return plan_refuse (error, at, "open %s: %s", source->path, g_strerror (source->error));
  if (needs_devices (source))
    {
      option = "--dev-bind";
      if (mount->read_only)
        lose_option (mount, "ro");
    }
  plain_add (plain, option, source->path, mount->target, NULL);
  return TRUE;
}

static void
add_mqueue (const Mount *mount)
{
  /* without an IPC namespace of its own it is the host's, where there is one */
  if (plain_has_namespace (mount->work->spec, CLONE_NEWIPC))
    plain_add (mount->work->plain, "--mqueue", mount->target, NULL);
  else
    plain_add (mount->work->plain, "--bind-try", "/dev/mqueue", mount->target, NULL);
}

/* Whether every container has the host's file system there, and read-only. */
static gboolean
is_host_everywhere (const Mount *mount)
{
  const PlainWork *work = mount->work;

  if (work->points == NULL || !mount->read_only)
    return FALSE;
  if (mount->kind == PLAIN_SYSFS)
    return !plain_has_namespace (work->spec, CLONE_NEWNET);
  return !plain_has_namespace (work->spec, CLONE_NEWCGROUP)
         && (work->facts->machine.cgroup_mode == CGROUP_V2
             || (work->facts->machine.cgroup_mode != CGROUP_NONE
                 && work->cgroup->targets->len == 0));
}

/* What cannot be made new is the host's, and so never writable. */
static void
add_host (const Mount *mount, const char *source, const char *what)
{
  plain_add (mount->work->plain, "--ro-bind", source, mount->target, NULL);
  if (is_host_everywhere (mount))
    plain_differ (mount->work->plain, mount->at, "%s is the host's", mount->target);
  else
    plain_lose (mount->work->plain, mount->at, "%s is the host's, read-only%s", mount->target,
                what);
}

static gboolean
add_mount (Mount *mount, GError **error)
{
  Plain *plain = mount->work->plain;

  switch (mount->kind)
    {
    case PLAIN_BIND:
      return add_bind (mount, error);
    case PLAIN_PROC:
      plain_add (plain, "--proc", mount->target, NULL);
      break;
    case PLAIN_SYSFS:
      add_host (mount, "/sys", ", with the caller's network devices and cgroups");
      break;
    case PLAIN_DEV:
      plain_add (plain, "--dev", mount->target, NULL);
      break;
    case PLAIN_TMPFS:
      add_tmpfs (mount);
      break;
    case PLAIN_MQUEUE:
      add_mqueue (mount);
      break;
    case PLAIN_CGROUP:
      add_host (mount, "/sys/fs/cgroup", "");
      break;
    case PLAIN_DEVPTS:
    case PLAIN_NOTHING:
      break;
    }
  /* the others are read-only by their own option */
  if (mount->read_only
      && (IN (mount->kind) & (IN (PLAIN_PROC) | IN (PLAIN_TMPFS) | IN (PLAIN_MQUEUE))) != 0)
    plain_add (plain, "--remount-ro", mount->target, NULL);
  return TRUE;
}

/* A directory goes onto directories only, and no other onto them. */
static gboolean
fits (const Mount *mount)
{
  const SourceFacts *source = mount->source;
  gboolean directory = source == NULL || S_ISDIR (source->mode);

  if (mount->path->error != 0 || S_ISDIR (mount->path->mode) == directory
      || (source != NULL && source->error != 0))
    return TRUE;
  plain_lose (mount->work->plain, mount->at, "nothing is put on %s: it is %s directory",
              mount->target, directory ? "no" : "a");
  return FALSE;
}

/* f_type of what a mount becomes (statfs(2)). */
static const guint64 filesystems[] = {
  [PLAIN_PROC] = PROC_SUPER_MAGIC,
  [PLAIN_SYSFS] = SYSFS_MAGIC,
  [PLAIN_DEV] = TMPFS_MAGIC,
  [PLAIN_TMPFS] = TMPFS_MAGIC,
  [PLAIN_MQUEUE] = MQUEUE_MAGIC,
  [PLAIN_CGROUP] = 0,
};

static void
add_point (const Mount *mount)
{
  const PlainPoint point = {
    .pointer = (char *) mount->at,
    .target = (char *) mount->target,
    .path = mount->path,
    .source = mount->source,
    .filesystem = mount->kind != PLAIN_BIND ? filesystems[mount->kind] : 0,
    .directory = mount->source == NULL || S_ISDIR (mount->source->mode),
    .read_only = mount->read_only,
  };

  /* the pseudo-terminals are a part of /dev */
  if (mount->kind != PLAIN_DEVPTS)
    plain_point (mount->work, &point);
}

static gboolean
add_one (PlainWork *work, guint index, gboolean *ret_made, GError **error)
{
  const OciMount *mount = g_ptr_array_index (work->spec->mounts, index);
  g_autofree char *at = oci_mount_pointer (work->spec->mounts, index);
  g_autofree char *key = g_strdup_printf ("/mounts/%u", index);
  g_autoptr (GString) lost = g_string_new (NULL);
  g_auto (MountOptions) options = { 0 };
  Mount one = { .work = work, .mount = mount, .path = plain_path (work, key), .at = at,
                .target = work->targets[index], .lost = lost,
                .source = g_ptr_array_index (work->facts->bundle.mounts, index),
                .kind = plain_kind (work->spec, work->targets, index) };

  if (!mount_options_read (mount, at, &options, error))
    {
      g_prefix_error (error, "config.json: ");
      return FALSE;
    }
  if (one.kind == PLAIN_NOTHING)
    {
      plain_lose (work->plain, at, "nothing is put on %s: bwrap mounts no %s there", one.target,
                  mount->type != NULL ? mount->type : "(none)");
      return TRUE;
    }
  if (!plain_check_target (work, one.path, at, one.target) || !fits (&one))
    return TRUE;
  sort_options (&one);
  if (options.idmap || field_count (mount->uid_mappings) > 0)
    lose_option (&one, "idmap");
  if (work->points != NULL && one.kind == PLAIN_BIND && !options.recursive && one.source != NULL
      && S_ISDIR (one.source->mode))
    lose_option (&one, "bind (rbind is possible: mounts below come along)");
  if (!add_mount (&one, error))
    return FALSE;
  add_point (&one);
  if (lost->len > 0)
    plain_lose (work->plain, at, "%s: without %s", one.target, lost->str);
  *ret_made = TRUE;
  return TRUE;
}

gboolean
plain_mounts (PlainWork *work, GError **error)
{
  for (guint i = 0; i < field_count (work->spec->mounts); i++)
    {
      gboolean made = FALSE, left_out;

      if (!add_one (work, i, &made, error))
        return FALSE;
      left_out = !made;
      g_array_append_val (work->left_out, left_out);
    }
  return TRUE;
}
