/* Overlays on this host; see overlay.h. */
#include "config.h"

#include "host/overlay.h"

#include "base/fd.h"
#include "base/proc.h"
#include "plan/mounts.h"
#include "plan/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS_MAX 1024

void
host_fuse_probe (FuseFacts *facts, const char *program)
{
  autofd device = open ("/dev/fuse", O_RDWR | O_CLOEXEC);

  facts->device_error = device < 0 ? errno : 0;
  facts->program = g_strdup (program != NULL ? program : FUSE_OVERLAYFS_PATH);
  facts->program_error = faccessat (AT_FDCWD, facts->program, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

/* --- trying one, in a child ------------------------------------------------------------------ */

static gboolean
write_file (const char *path, const char *text)
{
  autofd fd = open (path, O_WRONLY | O_CLOEXEC);

  return fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);
}

/* Namespaces in which an overlay can be mounted. FALSE: they cannot be had, which has nothing to do
 * with overlays. */
static gboolean
enter_namespaces (void)
{
  gboolean privileged = proc_has_capability (CAP_SYS_ADMIN);
  g_autofree char *uids = g_strdup_printf ("0 %u 1", (unsigned) geteuid ());
  g_autofree char *gids = g_strdup_printf ("0 %u 1", (unsigned) getegid ());

  if (unshare (CLONE_NEWNS | (privileged ? 0 : CLONE_NEWUSER)) < 0)
    return FALSE;
  if (!privileged
      && (!write_file ("/proc/self/setgroups", "deny") || !write_file ("/proc/self/uid_map", uids)
          || !write_file ("/proc/self/gid_map", gids)))
    return FALSE;
  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Memory at OVERLAY_TREE. */
static gboolean
make_upper (void)
{
  autofd fd = -1;

  if (mount ("tmpfs", OVERLAY_TREE, "tmpfs", 0, "mode=700") < 0)
    return FALSE;
  fd = open (OVERLAY_TREE, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return fd >= 0 && mkdirat (fd, "upper", 0700) == 0 && mkdirat (fd, "work", 0700) == 0;
}

/* "lowerdir=" with names that no character of a path can spoil; NULL: one cannot be opened. */
static char *
open_lower (const GPtrArray *lower)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < lower->len; i++)
    {
      int fd = open (g_ptr_array_index (lower, i), O_PATH | O_DIRECTORY | O_CLOEXEC);

      if (fd < 0)
        return NULL;
      g_string_append_printf (text, "%s/proc/self/fd/%d", i > 0 ? ":" : "", fd);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Says what failed with @words of the kernel's, if there are any in the log of @fd. */
static _Noreturn void
say (int words, int fd, const char *step)
{
  const char *system = g_strerror (errno);
  char log[256];
  gssize n = fd >= 0 ? read (fd, log, sizeof log - 1) : 0;

  log[MAX (n, 0)] = '\0';
  log[strcspn (log, "\n")] = '\0';
  (void) dprintf (words, "%s: %s%s%s", step, n > 2 ? log + 2 : "", n > 2 ? ": " : "", system);
  _exit (0);
}

static _Noreturn void
try_inside (const GPtrArray *lower, int words)
{
  const char *options[][2] = {
    { "lowerdir", NULL },
    { "upperdir", OVERLAY_TREE "/upper" },
    { "workdir", OVERLAY_TREE "/work" },
  };
  int fd;

  if (!enter_namespaces ())
    _exit (0);
  options[0][1] = open_lower (lower);
  if (options[0][1] == NULL || !make_upper ())
    _exit (0);
  fd = (int) syscall (SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
  if (fd < 0)
    say (words, fd, "fsopen");
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (syscall (SYS_fsconfig, fd, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0) < 0)
      say (words, fd, options[i][0]);
  if (syscall (SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
    say (words, fd, "userxattr");
  if (syscall (SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
    say (words, fd, "mount");
  _exit (0);
}

/* What the kernel says of an overlay of @lower (of char *, the topmost first); NULL: nothing, or it
 * could not be asked. Transfer: full. */
static char *
try_overlay (const GPtrArray *lower)
{
  autofd ours = -1, theirs = -1;
  g_autofree char *words = NULL;
  int ends[2];
  pid_t child;

  if (pipe2 (ends, O_CLOEXEC) < 0)
    return NULL;
  ours = ends[0];
  theirs = ends[1];
  child = fork ();
  if (child == 0)
    try_inside (lower, theirs);
  fd_clear (&theirs);
  if (child < 0)
    return NULL;
  (void) fd_read_all (ours, WORDS_MAX, &words, NULL, NULL);
  (void) proc_reap (child);
  return words != NULL && *words != '\0' ? g_steal_pointer (&words) : NULL;
}

/* --- which there are ------------------------------------------------------------------------- */

static void
try_at (BundleFacts *facts, const char *pointer, const GPtrArray *lower)
{
  char *words = try_overlay (lower);

  if (words != NULL)
    g_hash_table_insert (facts->refused_overlays, g_strdup (pointer), words);
}

static void
try_layers (BundleFacts *facts)
{
  g_autoptr (GPtrArray) lower = g_ptr_array_new ();

  for (guint i = facts->layers->len - 1; i > 0; i--)
    g_ptr_array_add (lower, ((SourceFacts *) g_ptr_array_index (facts->layers, i))->path);
  g_ptr_array_add (lower, facts->root->path);
  try_at (facts, "/root/path", lower);
}

void
host_overlays_try (const OciSpec *spec, const LayerRequest *layer, BundleFacts *facts)
{
  guint next = field_count (spec->mounts);

  facts->refused_overlays = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (layer->kind != LAYER_NONE)
    try_layers (facts);
  for (guint i = 0; i < field_count (spec->mounts); i++)
    {
      const OciMount *mount = g_ptr_array_index (spec->mounts, i);
      g_autoptr (GPtrArray) folders = NULL, lower = g_ptr_array_new ();
      g_autofree char *pointer = oci_mount_pointer (spec->mounts, i);
      g_auto (MountOptions) options = { 0 };
      guint count;

      if (!mount_is_overlay (mount) || !mount_options_read (mount, "", &options, NULL))
        continue;
      folders = overlay_folders (options.data);
      count = folders->len - overlay_has_upper (options.data);
      for (guint k = 0; k < count; k++)
        g_ptr_array_add (lower,
                         ((SourceFacts *) g_ptr_array_index (facts->mounts, next + k))->path);
      if (count > 0)
        try_at (facts, pointer, lower);
      next += folders->len;
    }
}
