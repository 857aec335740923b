/* A made-up machine and bundle; see world.h. */
#include "config.h"

#include "world.h"

#include "plan/mounts.h"
#include "plan/overlay.h"
#include "plan/plain.h"
#include "plan/systemd.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const Name capability_names[] = {
  { "sys_admin", HOST_CAP_SYS_ADMIN },
  { "setuid", HOST_CAP_SETUID },
  { "setgid", HOST_CAP_SETGID },
  { "sys_resource", HOST_CAP_SYS_RESOURCE },
  { "setfcap", HOST_CAP_SETFCAP },
  { "sys_ptrace", HOST_CAP_SYS_PTRACE },
  { NULL, 0 },
};

static const Name bwrap_names[] = {
  { "args", BWRAP_ARGS },
  { "as-pid-1", BWRAP_AS_PID_1 },
  { "no-reaper", BWRAP_NO_REAPER },
  { "cap-add", BWRAP_CAP_ADD },
  { "info-fd", BWRAP_INFO_FD },
  { "userns-block-fd", BWRAP_USERNS_BLOCK_FD },
  { "bind-fd", BWRAP_BIND_FD },
  { "perms", BWRAP_PERMS },
  { "pidns", BWRAP_PIDNS },
  { "userns", BWRAP_USERNS },
  { "size", BWRAP_SIZE },
  { NULL, 0 },
};

static const Name cgroup_names[] = {
  { "none", CGROUP_NONE },
  { "v1", CGROUP_V1 },
  { "hybrid", CGROUP_HYBRID },
  { "v2", CGROUP_V2 },
  { NULL, 0 },
};

static const Name manager_names[] = {
  { "cgroupfs", CGROUP_MANAGER_CGROUPFS },
  { "systemd", CGROUP_MANAGER_SYSTEMD },
  { "disabled", CGROUP_MANAGER_DISABLED },
  { NULL, 0 },
};

static const Name resctrl_names[] = {
  { "none", RESCTRL_NONE },
  { "there", RESCTRL_THERE },
  { "mounted", RESCTRL_MOUNTED },
  { NULL, 0 },
};

enum {
  MODULE_APPARMOR = 1 << 0,
  MODULE_SELINUX = 1 << 1,
};

static const Name module_names[] = {
  { "apparmor", MODULE_APPARMOR },
  { "selinux", MODULE_SELINUX },
  { NULL, 0 },
};

static const Name truth_names[] = { { "no", FALSE }, { "yes", TRUE }, { NULL, 0 } };

static const Name flag_names[] = {
  { "ro", MOUNT_ATTR_RDONLY },
  { "nosuid", MOUNT_ATTR_NOSUID },
  { "nodev", MOUNT_ATTR_NODEV },
  { "noexec", MOUNT_ATTR_NOEXEC },
  { "noatime", MOUNT_ATTR_NOATIME },
  { "nodiratime", MOUNT_ATTR_NODIRATIME },
  { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
  { NULL, 0 },
};

static const Name type_names[] = {
  { "directory", S_IFDIR | 0755 },
  { "file", S_IFREG | 0644 },
  { "character", S_IFCHR | 0666 },
  { "block", S_IFBLK | 0660 },
  { "fifo", S_IFIFO | 0644 },
  { NULL, 0 },
};

static const Name error_names[] = {
  { "none", 0 },
  { "ENOENT", ENOENT },
  { "EACCES", EACCES },
  { "ELOOP", ELOOP },
  { "ENOTDIR", ENOTDIR },
  { "EPERM", EPERM },
  { "EROFS", EROFS },
  { "ENODEV", ENODEV },
  { NULL, 0 },
};

struct World {
  GHashTable *lines;  /* of char *, by key */
  GHashTable *used;   /* keys that were asked for */
};

/* --- lines ----------------------------------------------------------------- */

static void
add_line (World *world, const char *file, char *line)
{
  char *equals;

  g_strstrip (line);
  if (*line == '\0' || *line == '#')
    return;
  equals = strchr (line, '=');
  if (equals == NULL)
    g_error ("%s: not of the form KEY = VALUE: %s", file, line);
  *equals = '\0';
  g_hash_table_insert (world->lines, g_strdup (g_strchomp (line)),
                       g_strdup (g_strchug (equals + 1)));
}

static void
add_file (World *world, const char *file)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (file, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    add_line (world, file, lines[i]);
}

/* A key of the bundle begins with one of these. */
static gboolean
is_bundle_key (const char *key)
{
  return g_str_has_prefix (key, "root.") || g_str_has_prefix (key, "mounts.")
         || g_str_has_prefix (key, "devices.") || g_str_has_prefix (key, "namespaces.")
         || g_str_has_prefix (key, "paths.") || g_str_has_prefix (key, "layers.");
}

/* Reads the file @usual and then @own, which may be missing. */
static World *
read_files (const char *usual, const char *own)
{
  World *world = g_new0 (World, 1);
  g_autoptr (GHashTable) known = NULL;
  GHashTableIter iter;
  gpointer key;

  world->lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  world->used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  add_file (world, usual);
  known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, world->lines);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_hash_table_add (known, g_strdup (key));
  if (!g_file_test (own, G_FILE_TEST_EXISTS))
    return world;

  add_file (world, own);
  g_hash_table_iter_init (&iter, world->lines);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (!is_bundle_key (key) && !g_hash_table_contains (known, key))
      g_error ("%s: unknown key %s", own, (const char *) key);
  return world;
}

void
world_free (World *world)
{
  g_hash_table_unref (world->lines);
  g_hash_table_unref (world->used);
  g_free (world);
}

/* The value of @key, or @otherwise. */
static const char *
value_or (World *world, const char *key, const char *otherwise)
{
  const char *value = g_hash_table_lookup (world->lines, key);

  g_hash_table_add (world->used, g_strdup (key));
  return value != NULL ? value : otherwise;
}

/* The value of @key; fails the test if it has none. */
static const char *
value_of (World *world, const char *key)
{
  const char *value = value_or (world, key, NULL);

  if (value == NULL)
    g_error ("no value for %s", key);
  return value;
}

static guint64
number (const char *text)
{
  g_autoptr (GError) error = NULL;
  guint64 value = 0;

  g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, &value, &error);
  g_assert_no_error (error);
  return value;
}

/* Transfer: full. */
static char *
name_list (const Name *names)
{
  GString *list = g_string_new (names->name);

  for (names++; names->name != NULL; names++)
    g_string_append_printf (list, ", %s", names->name);
  return g_string_free (list, FALSE);
}

static gint64
named (const Name *names, const char *text)
{
  const Name *name = name_find (names, text);

  if (name == NULL)
    {
      g_autofree char *known = name_list (names);

      g_error ("facts: \"%s\" has no meaning here, expected one of: %s", text, known);
    }
  return name->value;
}

/* The words of @text; "none" has none. Transfer: full. */
static char **
words (const char *text)
{
  return g_strsplit (strcmp (text, "none") == 0 ? "" : text, " ", -1);
}

/* The bits that the words of @text stand for. */
static guint64
bits (const Name *names, const char *text)
{
  g_auto (GStrv) list = words (text);
  guint64 value = 0;

  for (guint i = 0; list[i] != NULL; i++)
    value |= (guint64) named (names, list[i]);
  return value;
}

/* INSIDE:FIRST:COUNT ..., INSIDE being left out in sub-id ranges. */
static GArray *
ranges (const char *text)
{
  GArray *array = g_array_new (FALSE, FALSE, sizeof (IdRange));
  g_auto (GStrv) list = words (text);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (list[i], ":", -1);
      guint n = g_strv_length (parts);
      IdRange range = { .inside = n == 3 ? (guint32) number (parts[0]) : 0 };

      g_assert_true (n == 2 || n == 3);
      range.first = (guint32) number (parts[n - 2]);
      range.count = (guint32) number (parts[n - 1]);
      g_array_append_val (array, range);
    }
  return array;
}

static dev_t
device (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);

  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  return makedev ((guint) number (parts[0]), (guint) number (parts[1]));
}

/* --- the machine ----------------------------------------------------------- */

static MapTool
map_tool (World *world, const char *name)
{
  static const Name states[] = { { "missing", 0 }, { "unable", 1 }, { "able", 2 }, { NULL, 0 } };
  gint64 state = named (states, value_of (world, name));

  return (MapTool) { .path = state > 0 ? g_strconcat ("/usr/bin/", name, NULL) : NULL,
                     .able = state == 2 };
}

/* The map of the caller's own user namespace. */
static GArray *
own_map (World *world, const char *key, gboolean *initial)
{
  const char *text = value_of (world, key);

  *initial = strcmp (text, "initial") == 0;
  return ranges (*initial ? "0:0:4294967295" : text);
}

static void
fill_machine (World *world, MachineFacts *machine)
{
  const char *user = value_of (world, "user");
  const char *v1 = value_of (world, "cgroup_v1");
  gint64 modules;

  machine->major = 6;
  machine->minor = 1;
  machine->uid = (uid_t) number (value_of (world, "uid"));
  machine->gid = (gid_t) number (value_of (world, "gid"));
  machine->user = strcmp (user, "none") == 0 ? NULL : g_strdup (user);
  machine->capabilities = (HostCapabilities) bits (capability_names,
                                                   value_of (world, "capabilities"));
  if (strcmp (value_of (world, "hard_limit"), "none") != 0)
    {
      guint64 limit = number (value_of (world, "hard_limit"));

      machine->hard_limits = g_array_new (FALSE, FALSE, sizeof (guint64));
      for (guint i = 0; i < 16; i++)
        g_array_append_val (machine->hard_limits, limit);
    }
  modules = bits (module_names, value_of (world, "modules"));
  machine->modules = (SecurityModules) { .apparmor = (modules & MODULE_APPARMOR) != 0,
                                         .selinux = (modules & MODULE_SELINUX) != 0 };
  machine->uid_map = own_map (world, "uid_map", &machine->initial_user_ns);
  machine->gid_map = own_map (world, "gid_map", &machine->initial_user_ns);
  machine->sub_uids = ranges (value_of (world, "sub_uids"));
  machine->sub_gids = ranges (value_of (world, "sub_gids"));
  machine->newuidmap = map_tool (world, "newuidmap");
  machine->newgidmap = map_tool (world, "newgidmap");
  machine->bwrap.path = g_strdup ("/usr/bin/bwrap");
  machine->bwrap.version = g_strdup ("bubblewrap 0.11.0");
  machine->bwrap.options = (BwrapOptions) bits (bwrap_names, value_of (world, "bwrap"));
  machine->fuse.program = g_strdup ("/usr/bin/fuse-overlayfs");
  machine->fuse.program_error = (int) named (error_names, value_of (world, "fuse_overlayfs"));
  machine->fuse.device_error = (int) named (error_names, value_of (world, "fuse"));
  machine->last_capability = (guint) number (value_of (world, "last_capability"));
  machine->cgroup_mode = (CgroupMode) named (cgroup_names, value_of (world, "cgroup"));
  machine->cgroup_v1 = words (v1);
}

/* The hierarchy with @options, or cgroup v2 for NULL. */
static CgroupFacts *
hierarchy (World *world, const char *options, const char *wanted, gboolean placed)
{
  CgroupFacts *facts = g_new0 (CgroupFacts, 1);
  gboolean hybrid = named (cgroup_names, value_of (world, "cgroup")) == CGROUP_HYBRID;
  const char *own = value_of (world, "cgroup_own");
  const char *name = options;

  if (options == NULL)
    name = hybrid ? "unified" : "";
  else if (g_str_has_prefix (options, "name="))
    name = options + strlen ("name=");
  facts->options = g_strdup (options);
  facts->controllers = options == NULL ? words (value_of (world, "cgroup_controllers"))
                                       : g_strsplit (options, ",", -1);
  facts->mount = g_strconcat ("/sys/fs/cgroup", *name != '\0' ? "/" : "", name, NULL);
  if (!placed)
    return facts;
  facts->own = strcmp (own, "none") == 0 ? NULL : g_strdup (own);
  facts->path = plan_cgroup_path (facts->own, wanted, value_of (world, "id"));
  facts->error = (int) named (error_names, value_of (world, "cgroup_error"));
  return facts;
}

/* The hierarchies, where the configuration needs to know of them. */
static void
fill_cgroups (World *world, MachineFacts *machine, const OciSpec *spec)
{
  const char *wanted = spec->linux_->cgroups_path;
  CgroupManager manager = (CgroupManager) named (manager_names, value_of (world, "cgroup_manager"));
  CgroupNeeds needs = plan_needs_cgroups (spec, machine, manager);
  gboolean placed = needs == CGROUP_NEEDS_PLACES;

  if (needs == CGROUP_NEEDS_NOTHING)
    return;
  machine->cgroups = g_ptr_array_new_with_free_func ((GDestroyNotify) cgroup_facts_free);
  for (guint i = 0; machine->cgroup_v1[i] != NULL; i++)
    g_ptr_array_add (machine->cgroups, hierarchy (world, machine->cgroup_v1[i], wanted, placed));
  if (machine->cgroup_mode == CGROUP_V2 || machine->cgroup_mode == CGROUP_HYBRID)
    g_ptr_array_add (machine->cgroups, hierarchy (world, NULL, wanted, placed));
}

static const Name mode_names[] = {
  { "normal", 0 },
  { "plain", 1 },
  { NULL, 0 },
};

void
world_options (World *world, PlanOptions *ret_options)
{
  *ret_options = (PlanOptions) {
    .id = value_of (world, "id"),
    .bundle = value_of (world, "bundle"),
    .preserve_fds = (guint) number (value_of (world, "preserve_fds")),
    .listen_fds = (guint) number (value_of (world, "listen_fds")),
    .notify = named (truth_names, value_of (world, "notify")) != 0,
    .gate = named (truth_names, value_of (world, "gate")) != 0,
    .plain = named (mode_names, value_of (world, "mode")) != 0,
    .new_keyring = named (truth_names, value_of (world, "new_keyring")) != 0,
    .console_socket = named (truth_names, value_of (world, "console_socket")) != 0,
    .mount_program = named (truth_names, value_of (world, "mount_program")) != 0,
    .detach = named (truth_names, value_of (world, "detach")) != 0,
    .cgroup_manager = (CgroupManager) named (manager_names, value_of (world, "cgroup_manager")),
    .init_path = "/usr/libexec/bwrap-oci/bwrap-oci-init",
  };
}

/* --- the bundle ------------------------------------------------------------ */

/* "AT.WHAT" or @otherwise. */
static const char *
what (World *world, const char *at, const char *name, const char *otherwise)
{
  g_autofree char *key = g_strconcat (at, ".", name, NULL);

  return value_or (world, key, otherwise);
}

/* PATH:UID:GID ..., or none. */
static GPtrArray *
closed (const char *text)
{
  g_autoptr (GPtrArray) all
    = g_ptr_array_new_with_free_func ((GDestroyNotify) closed_directory_free);
  g_auto (GStrv) list = words (text);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (list[i], ":", -1);
      ClosedDirectory *directory = g_new0 (ClosedDirectory, 1);

      g_assert_cmpuint (g_strv_length (parts), ==, 3);
      directory->path = g_strdup (parts[0]);
      directory->uid = (uid_t) number (parts[1]);
      directory->gid = (gid_t) number (parts[2]);
      g_ptr_array_add (all, directory);
    }
  return g_steal_pointer (&all);
}

/* What is at @path; @inode tells it from the others. */
static SourceFacts *
source (World *world, const char *at, const char *path, guint64 inode)
{
  g_autofree char *usual_inode = g_strdup_printf ("%" G_GUINT64_FORMAT, inode);
  SourceFacts *facts = g_new0 (SourceFacts, 1);

  facts->fd = -1;
  facts->error = (int) named (error_names, what (world, at, "error", "none"));
  facts->path = g_path_is_absolute (path) ? g_strdup (path)
                                          : g_build_filename (value_of (world, "bundle"), path,
                                                              NULL);
  facts->closed = closed (what (world, at, "closed", "none"));
  if (strcmp (what (world, at, "link", "none"), "none") != 0)
    facts->link = g_strdup (what (world, at, "link", "none"));
  facts->mode = (mode_t) named (type_names, what (world, at, "type", "directory"));
  facts->device = device (what (world, at, "device", "8:1"));
  facts->inode = number (what (world, at, "inode", usual_inode));
  facts->flags = bits (flag_names, what (world, at, "flags", "none"));
  return facts;
}

/* The folders of overlays, "mounts.N" as well. */
static void
overlays (World *world, const OciSpec *spec, GPtrArray *all)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_auto (MountOptions) options = { 0 };
      g_autoptr (GPtrArray) folders = NULL;

      if (!mount_is_overlay (mount) || !mount_options_read (mount, "", &options, NULL))
        continue;
      folders = overlay_folders (options.data);
      for (guint k = 0; k < folders->len; k++)
        {
          const char *folder = g_ptr_array_index (folders, k);
          g_autofree char *at = g_strdup_printf ("mounts.%u", all->len);

          g_ptr_array_add (all, source (world, at, folder, 1000 + all->len));
        }
    }
}

static GPtrArray *
mounts (World *world, const OciSpec *spec)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) source_facts_free);
  guint binds = 0;

  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_autofree char *at = g_strdup_printf ("mounts.%u", i);

      /* as the probe has it: nothing where there is no source */
      g_ptr_array_add (all, mount_is_bind (mount) && mount->source != NULL
                              ? source (world, at, mount->source, 1000 + i)
                              : NULL);
      binds += mount_is_bind (mount);
    }
  /* the same */
  for (guint i = 0; binds >= SOURCES_MANY && i < all->len; i++)
    {
      SourceFacts *facts = g_ptr_array_index (all, i);

      if (facts != NULL && facts->error == 0)
        facts->real_path = g_strdup (facts->path);
    }
  overlays (world, spec, all);
  return all;
}

static GPtrArray *
devices (World *world, const OciSpec *spec)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) source_facts_free);

  for (guint i = 0; i < field_count (spec->linux_->devices); i++)
    {
      const OciDevice *wanted = g_ptr_array_index (spec->linux_->devices, i);
      g_autofree char *at = g_strdup_printf ("devices.%u", i);
      SourceFacts *facts = NULL;

      if (wanted->type != 'p')
        {
          facts = source (world, at, what (world, at, "path", wanted->path), 2000 + i);
          facts->mode = wanted->type == 'b' ? S_IFBLK : S_IFCHR;
          facts->node = makedev ((guint) wanted->major.value, (guint) wanted->minor.value);
        }
      g_ptr_array_add (all, facts);
    }
  return all;
}

static GPtrArray *
namespaces (World *world, const OciSpec *spec)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) namespace_facts_free);

  for (guint i = 0; i < field_count (spec->linux_->namespaces); i++)
    {
      const OciNamespace *wanted = g_ptr_array_index (spec->linux_->namespaces, i);
      g_autofree char *at = g_strdup_printf ("namespaces.%u", i);
      const char *type = what (world, at, "type", name_of (oci_namespace_names, wanted->type));
      NamespaceFacts *facts = NULL;

      if (wanted->path != NULL)
        {
          facts = g_new0 (NamespaceFacts, 1);
          facts->fd = -1;
          facts->error = (int) named (error_names, what (world, at, "error", "none"));
          facts->type = strcmp (type, "none") == 0 ? 0 : (int) named (oci_namespace_names, type);
          facts->own = named (truth_names, what (world, at, "own", "no")) != 0;
        }
      g_ptr_array_add (all, facts);
    }
  return all;
}

/* The devices are numbered in the order of their line. */
static void
fill_net_devices (World *world, const OciSpec *spec, BundleFacts *facts)
{
  const GPtrArray *wanted = spec->linux_->net_devices;
  g_auto (GStrv) names = words (value_of (world, "net_devices"));

  facts->net_admin = named (truth_names, value_of (world, "net_admin")) != 0;
  facts->net_devices = g_array_new (FALSE, TRUE, sizeof (guint));
  g_array_set_size (facts->net_devices, field_count (wanted));
  for (guint i = 0; i < field_count (wanted); i++)
    for (guint k = 0; names[k] != NULL; k++)
      if (strcmp (((const OciNetDevice *) g_ptr_array_index (wanted, i))->key, names[k]) == 0)
        g_array_index (facts->net_devices, guint, i) = k + 1;
}

/* What is at each path that the plain command needs to know of: a directory, unless a line says
 * otherwise. */
static GHashTable *
paths (World *world, const OciSpec *spec)
{
  GHashTable *all = plain_paths (spec);
  GHashTableIter iter;
  gpointer pointer, value;

  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, &pointer, &value))
    {
      g_autofree char *key = g_strconcat ("paths.", pointer, NULL);
      const char *text = value_or (world, key, "directory");
      PathFacts *path = value;

      if (path->base != PATH_ROOT && path->base != PATH_SOURCE && path->base != PATH_PROC
          && path->base != PATH_SYS)
        continue;
      if (name_find (error_names, text) != NULL)
        path->error = (int) named (error_names, text);
      else
        path->mode = (mode_t) named (type_names, text);
    }
  return all;
}

/* A line that speaks of what the configuration does not have is a mistake of the case. */
static void
check_used (World *world)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, world->lines);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (is_bundle_key (key) && !g_hash_table_contains (world->used, key))
      g_error ("nothing asks for %s", (const char *) key);
}

/* What the kernel says of overlays. */
static GHashTable *
refused_overlays (World *world)
{
  GHashTable *all = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) words = g_strsplit (value_of (world, "overlay_refused"), " ", 2);

  if (words[1] != NULL)
    g_hash_table_insert (all, g_strdup (words[0]), g_strdup (words[1]));
  return all;
}

HostFacts *
world_facts (World *world, const OciSpec *spec)
{
  HostFacts *facts = g_new0 (HostFacts, 1);

  fill_machine (world, &facts->machine);
  fill_cgroups (world, &facts->machine, spec);
  facts->bundle.root = source (world, "root", spec->root->path, 100);
  facts->bundle.mounts = mounts (world, spec);
  facts->bundle.devices = devices (world, spec);
  facts->bundle.namespaces = namespaces (world, spec);
  fill_net_devices (world, spec, &facts->bundle);
  facts->bundle.resctrl = (ResctrlFacts) named (resctrl_names, value_of (world, "resctrl"));
  facts->bundle.paths = paths (world, spec);
  facts->bundle.refused_overlays = refused_overlays (world);
  return facts;
}

/* --- the case -------------------------------------------------------------- */

static char *
test_file (const char *folder, const char *name, const char *file)
{
  return g_test_build_filename (G_TEST_DIST, "tests", folder, name, file, NULL);
}

/* As many mounts as were asked for, to stand where "@many" stands. */
static char *
many_mounts (guint64 n)
{
  GString *text = g_string_new (NULL);

  for (guint64 i = 0; i < n; i++)
    g_string_append_printf (text, "%s{\"destination\":\"/mnt/%" G_GUINT64_FORMAT "\","
                            "\"type\":\"bind\",\"source\":\"/srv\"}", i > 0 ? "," : "", i);
  return g_string_free (text, FALSE);
}

static char *
read_config (World *world, const char *name)
{
  const char *recorded = value_of (world, "config");
  g_autofree char *path = strcmp (recorded, "none") == 0 ? test_file ("plan", name, "config.json")
                                                         : test_file ("data", "configs", recorded);
  g_autofree char *many = many_mounts (number (value_of (world, "many_mounts")));
  g_autofree char *text = NULL;
  g_autoptr (GString) config = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_file_get_contents (path, &text, NULL, &error))
    g_error ("%s: %s: a case has a config.json, or a line \"config\" in facts", name,
             error->message);
  config = g_string_new (text);
  g_string_replace (config, "\"@many\"", many, 0);
  /* a recorded one has the name of a host's path where an absolute path belongs */
  g_string_replace (config, "\"@", "\"/@", 0);
  return g_string_free (g_steal_pointer (&config), FALSE);
}

gboolean
world_complete (World *world, OciSpec *spec, GError **error)
{
  const char *program = value_of (world, "program");
  const char *machine_id = value_of (world, "machine_id");
  g_auto (SystemdFacts) facts = { 0 };

  if (!systemd_is_possible (spec))
    return TRUE;
  facts.program = strcmp (program, "none") != 0 ? g_strdup (program) : NULL;
  facts.machine_id = strcmp (machine_id, "none") != 0 ? g_strdup (machine_id) : NULL;
  return systemd_complete (spec, &facts, value_of (world, "bundle"), value_of (world, "id"), error);
}

/* Layers as annotations ask for them. */
static void
add_layers (Case *golden)
{
  const LayerRequest *layer = &golden->layer;

  golden->options.layer = layer;
  golden->options.layer_path = "/run/user/1000/bwrap-oci/c1/layer";
  if (layer->kind == LAYER_NONE)
    return;
  golden->facts->bundle.layers
    = g_ptr_array_new_with_free_func ((GDestroyNotify) source_facts_free);
  for (guint i = 0; i <= layer->lower->len; i++)
    {
      g_autofree char *prefix = g_strdup_printf ("layers.%u", i);
      const char *path = i > 0 ? g_ptr_array_index (layer->lower, i - 1) : layer->directory;

      g_ptr_array_add (golden->facts->bundle.layers,
                       path != NULL ? source (golden->world, prefix, path, 400 + i) : NULL);
    }
}

World *
world_read (const char *name)
{
  g_autofree char *usual = g_test_build_filename (G_TEST_DIST, "tests", "plan", "facts", NULL);
  g_autofree char *own = test_file ("plan", name, "facts");

  return read_files (usual, own);
}

Case *
case_read (const char *name, GError **error)
{
  g_autoptr (Case) golden = g_new0 (Case, 1);
  g_autofree char *config = NULL;

  golden->world = world_read (name);
  config = read_config (golden->world, name);
  golden->spec = oci_spec_parse (config, strlen (config), "config.json", error);
  if (golden->spec == NULL)
    return NULL;
  if (!world_complete (golden->world, golden->spec, error))
    return NULL;
  if (!layer_request_read (golden->spec, &(LayerOptions) { .bundle = "/bundle" },
                           &golden->layer, error))
    return NULL;
  golden->facts = world_facts (golden->world, golden->spec);
  world_options (golden->world, &golden->options);
  add_layers (golden);
  check_used (golden->world);
  golden->plain = named (truth_names, value_of (golden->world, "plain")) != 0;
  return g_steal_pointer (&golden);
}

void
case_free (Case *golden)
{
  if (golden == NULL)
    return;
  g_clear_pointer (&golden->facts, host_facts_free);
  layer_request_clear (&golden->layer);
  g_clear_pointer (&golden->spec, oci_spec_free);
  g_clear_pointer (&golden->world, world_free);
  g_free (golden);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

GPtrArray *
case_names (void)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = g_test_build_filename (G_TEST_DIST, "tests", "plan", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_DIR) && *name != '.')
        g_ptr_array_add (names, g_strdup (name));
    }
  g_ptr_array_sort (names, by_name);
  return names;
}
