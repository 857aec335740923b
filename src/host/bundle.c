/* What a configuration refers to on this host; see bundle.h. */
#include "config.h"

#include "host/bundle.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "host/below.h"
#include "host/netdevices.h"
#include "plan/mounts.h"
#include "plan/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef ST_NOSYMFOLLOW
#define ST_NOSYMFOLLOW 0x2000
#endif

#define UEVENT_SIZE_MAX 4096

/* Flags of statfs(2) and the same of mount_setattr(2). */
static const struct {
  unsigned long statfs;
  guint64 attribute;
} mount_flags[] = {
  { ST_RDONLY, MOUNT_ATTR_RDONLY },
  { ST_NOSUID, MOUNT_ATTR_NOSUID },
  { ST_NODEV, MOUNT_ATTR_NODEV },
  { ST_NOEXEC, MOUNT_ATTR_NOEXEC },
  { ST_NODIRATIME, MOUNT_ATTR_NODIRATIME },
  { ST_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

/* The attributes of the mount that statfs(2) says @flags of. The access time is a number there,
 * not bits, and relative is 0. */
static guint64
mount_attributes (unsigned long flags)
{
  guint64 attributes = MOUNT_ATTR_STRICTATIME;

  if (flags & ST_NOATIME)
    attributes = MOUNT_ATTR_NOATIME;
  else if (flags & ST_RELATIME)
    attributes = MOUNT_ATTR_RELATIME;
  for (gsize i = 0; i < G_N_ELEMENTS (mount_flags); i++)
    if (flags & mount_flags[i].statfs)
      attributes |= mount_flags[i].attribute;
  return attributes;
}

/* Opens @path, which it takes, and notes what it is. */
static SourceFacts *
probe_source (char *path, int flags)
{
  SourceFacts *source = g_new0 (SourceFacts, 1);
  struct statfs fs;
  struct stat st;

  source->path = path;
  source->fd = open (path, O_PATH | O_CLOEXEC | flags);
  if (source->fd < 0 || fstat (source->fd, &st) < 0 || fstatfs (source->fd, &fs) < 0)
    {
      source->error = errno;
      fd_clear (&source->fd);
      return source;
    }
  source->mode = st.st_mode;
  source->device = st.st_dev;
  source->inode = st.st_ino;
  source->node = st.st_rdev;
  source->filesystem = (guint64) fs.f_type;
  source->flags = mount_attributes ((unsigned long) fs.f_flags);
  return source;
}

/* The kernel's path of @source, without links; FALSE: it has none. */
static gboolean
kernel_path (const SourceFacts *source, char path[PATH_MAX])
{
  char name[64];
  ssize_t length;

  (void) snprintf (name, sizeof name, "/proc/self/fd/%d", source->fd);
  length = readlink (name, path, PATH_MAX - 1);
  if (length <= 0 || path[0] != '/')
    return FALSE;
  path[length] = '\0';
  return TRUE;
}

/* Where @source can be found again it is not kept open: there may be more of them than descriptors
 * (RLIMIT_NOFILE is 1024 as a rule). */
static void
find_real_path (SourceFacts *source)
{
  char path[PATH_MAX];
  struct stat st;

  if (!kernel_path (source, path) || stat (path, &st) < 0 || st.st_dev != source->device
      || st.st_ino != source->inode)
    return;
  source->real_path = g_strdup (path);
  fd_clear (&source->fd);
}

/* Notes the directories above @source that others may not search. The kernel's path is walked, so
 * that no link hides one. */
static void
find_closed (SourceFacts *source)
{
  char path[PATH_MAX];

  if (!kernel_path (source, path))
    return;
  source->closed = g_ptr_array_new_with_free_func ((GDestroyNotify) closed_directory_free);
  for (const char *end = path; end != NULL; end = strchr (end + 1, '/'))
    {
      g_autofree char *parent = g_strndup (path, MAX (1, (gsize) (end - path)));
      struct stat st;

      if (stat (parent, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
        {
          ClosedDirectory *closed = g_new0 (ClosedDirectory, 1);

          closed->path = g_steal_pointer (&parent);
          closed->uid = st.st_uid;
          closed->gid = st.st_gid;
          g_ptr_array_add (source->closed, closed);
        }
    }
}

static SourceFacts *
probe_root (const OciRoot *root, const char *bundle)
{
  char *path = g_path_is_absolute (root->path) ? g_strdup (root->path)
                                               : g_build_filename (bundle, root->path, NULL);
  SourceFacts *source = probe_source (path, O_DIRECTORY);

  return source;
}

static SourceFacts *
probe_path (const char *path, const char *bundle)
{
  return probe_source (g_path_is_absolute (path) ? g_strdup (path)
                                                 : g_build_filename (bundle, path, NULL), 0);
}

/* The link at @path; NULL: it is none. */
static SourceFacts *
probe_link (const char *path)
{
  char *content = g_file_read_link (path, NULL);
  SourceFacts *source;

  if (content == NULL)
    return NULL;
  source = g_new0 (SourceFacts, 1);
  source->fd = -1;
  source->path = g_strdup (path);
  source->link = content;
  return source;
}

/* The source of a bind mount; NULL for any other mount. */
static SourceFacts *
probe_mount (const OciMount *mount, const char *bundle)
{
  g_autofree char *path = NULL;
  SourceFacts *link = NULL;

  if (!mount_is_bind (mount) || mount->source == NULL)
    return NULL;
  path = g_path_is_absolute (mount->source) ? g_strdup (mount->source)
                                            : g_build_filename (bundle, mount->source, NULL);
  if (mount_copies_symlink (mount))
    link = probe_link (path);
  return link != NULL ? link : probe_source (g_steal_pointer (&path), 0);
}

/* Whether @source is the node that @device asks for. */
static gboolean
is_device (const SourceFacts *source, const OciDevice *device)
{
  mode_t type = device->type == 'b' ? S_IFBLK : S_IFCHR;

  return source->fd >= 0 && (source->mode & S_IFMT) == type
         && source->node == makedev ((unsigned) device->major.value,
                                     (unsigned) device->minor.value);
}

/* Returns where the kernel itself puts the node of @device; NULL: it does not know it. Transfer:
 * full. */
static char *
kernel_node (const OciDevice *device)
{
  g_autofree char *path = g_strdup_printf ("/sys/dev/%s/%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT
                                           "/uevent", device->type == 'b' ? "block" : "char",
                                           device->major.value, device->minor.value);
  g_autofree char *text = fd_read_file_at (AT_FDCWD, path, UEVENT_SIZE_MAX, NULL, NULL);
  const char *name = text != NULL ? strstr (text, "DEVNAME=") : NULL;
  g_autofree char *value = NULL;

  if (name == NULL)
    return NULL;
  name += strlen ("DEVNAME=");
  value = g_strndup (name, strcspn (name, "\n"));
  return g_strconcat ("/dev/", value, NULL);
}

/* The host's node for @device: at the same path, or by its number. An unprivileged runtime cannot
 * make nodes, so one that is nowhere is "not found". NULL for a FIFO, which is made. */
static SourceFacts *
probe_device (const OciDevice *device)
{
  SourceFacts *source;
  char *node;

  if (device->type == 'p')
    return NULL;
  source = probe_source (g_strdup (device->path), 0);
  if (is_device (source, device))
    return source;
  node = kernel_node (device);
  if (node != NULL)
    {
      source_facts_free (source);
      source = probe_source (node, 0);
      if (is_device (source, device))
        return source;
    }
  fd_clear (&source->fd);
  if (source->error == 0)
    source->error = ENOENT;
  return source;
}

/* Opens a namespace. First only its path: what is there may be a FIFO or a device. */
static void
open_namespace (NamespaceFacts *facts, const char *path)
{
  autofd found = open (path, O_PATH | O_CLOEXEC);
  char name[64];
  struct statfs fs;

  if (found < 0 || fstatfs (found, &fs) < 0)
    {
      facts->error = errno;
      return;
    }
  if (fs.f_type != NSFS_MAGIC)
    return;
  (void) snprintf (name, sizeof name, "/proc/self/fd/%d", found);
  facts->fd = open (name, O_RDONLY | O_CLOEXEC);
  facts->type = facts->fd >= 0 ? ioctl (facts->fd, NS_GET_NSTYPE) : -1;
  if (facts->type < 0)
    {
      facts->error = errno;
      facts->type = 0;
      fd_clear (&facts->fd);
    }
}

static guint
count_sources (const OciSpec *spec)
{
  guint count = 0;

  for (guint i = 0; i < field_count (spec->mounts); i++)
    count += mount_is_bind (g_ptr_array_index (spec->mounts, i));
  return count;
}

/* What is above and below @source. Only where the ids of the container's root are chosen, or a user
 * namespace is joined, can they be other than the caller's, and only a privileged caller (@mounts:
 * see below.h) can do without a user namespace. */
static void
look_around (SourceFacts *source, const OciSpec *spec, const GPtrArray *mounts)
{
  const OciNamespace *user = oci_linux_namespace (spec->linux_, CLONE_NEWUSER);
  char path[PATH_MAX];

  if (source == NULL || source->fd < 0)
    return;
  if (field_count (spec->linux_->uid_mappings) > 0 || (user != NULL && user->path != NULL))
    find_closed (source);
  if (mounts != NULL && S_ISDIR (source->mode) && kernel_path (source, path))
    source->below = mounts_below (mounts, path);
}

/* The folders that overlays name. */
static void
probe_overlays (BundleFacts *facts, const OciSpec *spec, const char *bundle)
{
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_auto (MountOptions) options = { 0 };
      g_autoptr (GPtrArray) folders = NULL;

      /* an error is the plan's to tell */
      if (!mount_is_overlay (mount) || !mount_options_read (mount, "", &options, NULL))
        continue;
      folders = overlay_folders (options.data);
      for (guint k = 0; k < folders->len; k++)
        {
          SourceFacts *source = probe_path (g_ptr_array_index (folders, k), bundle);

          look_around (source, spec, NULL);
          g_ptr_array_add (facts->mounts, source);
        }
    }
}

/* The root, and each source of a bind mount. */
static void
probe_sources (BundleFacts *facts, const OciSpec *spec, const char *bundle)
{
  g_autoptr (GPtrArray) mounts = proc_has_capability (CAP_SYS_ADMIN) ? mounts_read () : NULL;
  gboolean many = count_sources (spec) >= SOURCES_MANY;

  facts->root = probe_root (spec->root, bundle);
  look_around (facts->root, spec, mounts);
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      SourceFacts *source = probe_mount (g_ptr_array_index (spec->mounts, i), bundle);

      look_around (source, spec, mounts);
      if (many && source != NULL && source->fd >= 0)
        find_real_path (source);
      g_ptr_array_add (facts->mounts, source);
    }
  probe_overlays (facts, spec, bundle);
}

/* The kernel makes the mount point where the processor has it. */
static ResctrlFacts
probe_resctrl (void)
{
  struct statfs fs;

  if (statfs ("/sys/fs/resctrl", &fs) < 0)
    return RESCTRL_NONE;
  return fs.f_type == RDTGROUP_SUPER_MAGIC ? RESCTRL_MOUNTED : RESCTRL_THERE;
}

static NamespaceFacts *
probe_namespace (const OciNamespace *ns)
{
  NamespaceFacts *facts;

  if (ns->path == NULL)
    return NULL;
  facts = g_new0 (NamespaceFacts, 1);
  facts->fd = -1;
  open_namespace (facts, ns->path);
  return facts;
}

static void
free_source (gpointer data)
{
  source_facts_free (data);
}

static void
free_namespace (gpointer data)
{
  namespace_facts_free (data);
}

void
host_layers_probe (const OciSpec *spec, const LayerRequest *request, BundleFacts *facts)
{
  if (request->kind == LAYER_NONE)
    return;
  facts->layers = g_ptr_array_new_with_free_func (free_source);
  g_ptr_array_add (facts->layers, request->directory != NULL
                                    ? probe_source (g_strdup (request->directory), 0) : NULL);
  for (guint i = 0; i < request->lower->len; i++)
    g_ptr_array_add (facts->layers,
                     probe_source (g_strdup (g_ptr_array_index (request->lower, i)), 0));
  for (guint i = 0; i < facts->layers->len; i++)
    look_around (g_ptr_array_index (facts->layers, i), spec, NULL);
}

gboolean
host_bundle_probe (const OciSpec *spec, const char *bundle, BundleFacts *ret_facts, GError **error)
{
  BundleFacts facts = { 0 };
  const OciLinux *linux_ = spec->linux_;
  struct stat st;

  if (stat (bundle, &st) < 0)
    return throw_errno (error, "bundle %s", bundle);
  if (!S_ISDIR (st.st_mode))
    return throw (error, "bundle %s: not a directory", bundle);

  facts.mounts = g_ptr_array_new_with_free_func (free_source);
  facts.devices = g_ptr_array_new_with_free_func (free_source);
  facts.namespaces = g_ptr_array_new_with_free_func (free_namespace);
  probe_sources (&facts, spec, bundle);
  for (guint i = 0; i < field_count (linux_->devices); i++)
    g_ptr_array_add (facts.devices, probe_device (g_ptr_array_index (linux_->devices, i)));
  for (guint i = 0; i < field_count (linux_->namespaces); i++)
    g_ptr_array_add (facts.namespaces, probe_namespace (g_ptr_array_index (linux_->namespaces, i)));
  host_net_devices_probe (spec, &facts);
  if (linux_->intel_rdt != NULL)
    facts.resctrl = probe_resctrl ();
  *ret_facts = facts;
  return TRUE;
}
