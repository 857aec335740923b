/* The configuration that "spec" writes: that of runc, as tables, so that what users and tools know
 * of one holds for the other. Without privilege the network is the caller's, /sys is the host's,
 * there is one id, and no limit. */
#include "config.h"

#include "companion/companion.h"
#include "companion/document.h"

#include "base/error.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SPEC_OCI_VERSION "1.0.2"
#define SPEC_HOSTNAME "bwrap-oci"
#define SPEC_OPEN_FILES 1024

#define OPTIONS_MAX 8

/* For whom a row is. */
typedef enum {
  FOR_ALL,
  FOR_PRIVILEGED,
  FOR_ROOTLESS,
  FOR_CGROUP_V2,
} Audience;

typedef struct {
  Audience audience;
  const char *destination;
  const char *type;
  const char *source;
  const char *options[OPTIONS_MAX];
} MountRow;

static const MountRow mounts[] = {
  { FOR_ALL, "/proc", "proc", "proc", { NULL } },
  { FOR_ALL, "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
  { FOR_PRIVILEGED, "/dev/pts", "devpts", "devpts",
    { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
  { FOR_ROOTLESS, "/dev/pts", "devpts", "devpts",
    { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620" } },
  { FOR_ALL, "/dev/shm", "tmpfs", "shm",
    { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
  { FOR_ALL, "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
  { FOR_PRIVILEGED, "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
  { FOR_ROOTLESS, "/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" } },
  { FOR_ALL, "/sys/fs/cgroup", "cgroup", "cgroup",
    { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

typedef struct {
  Audience audience;
  const char *type;
} NamespaceRow;

static const NamespaceRow namespaces[] = {
  { FOR_ALL, "pid" },     { FOR_PRIVILEGED, "network" }, { FOR_ALL, "ipc" },
  { FOR_ALL, "uts" },     { FOR_ALL, "mount" },          { FOR_CGROUP_V2, "cgroup" },
  { FOR_ROOTLESS, "user" },
};

static const char *const args[] = { "sh", NULL };

static const char *const environment[] = {
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  "TERM=xterm",
  NULL,
};

static const char *const capabilities[] = {
  "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL,
};

static const char *const capability_sets[] = { "bounding", "effective", "permitted", "ambient" };

static const char *const masked_paths[] = {
  "/proc/acpi",        "/proc/asound",      "/proc/kcore",       "/proc/keys",
  "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
  "/sys/firmware",     "/proc/scsi",        NULL,
};

static const char *const readonly_paths[] = {
  "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static gboolean
is_cgroup_v2 (void)
{
  struct statfs fs;

  return statfs ("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static gboolean
is_for (Audience audience, gboolean rootless)
{
  switch (audience)
    {
    case FOR_PRIVILEGED:
      return !rootless;
    case FOR_ROOTLESS:
      return rootless;
    case FOR_CGROUP_V2:
      return is_cgroup_v2 ();
    case FOR_ALL:
    default:
      return TRUE;
    }
}

static void
begin_object (JsonBuilder *builder, const char *key)
{
  if (key != NULL)
    json_builder_set_member_name (builder, key);
  json_builder_begin_object (builder);
}

static void
begin_array (JsonBuilder *builder, const char *key)
{
  json_builder_set_member_name (builder, key);
  json_builder_begin_array (builder);
}

static void
add_capabilities (JsonBuilder *builder)
{
  begin_object (builder, "capabilities");
  for (gsize i = 0; i < G_N_ELEMENTS (capability_sets); i++)
    document_strings (builder, capability_sets[i], capabilities);
  json_builder_end_object (builder);
}

static void
add_rlimits (JsonBuilder *builder)
{
  begin_array (builder, "rlimits");
  begin_object (builder, NULL);
  document_string (builder, "type", "RLIMIT_NOFILE");
  document_int (builder, "hard", SPEC_OPEN_FILES);
  document_int (builder, "soft", SPEC_OPEN_FILES);
  json_builder_end_object (builder);
  json_builder_end_array (builder);
}

static void
add_process (JsonBuilder *builder)
{
  begin_object (builder, "process");
  document_bool (builder, "terminal", TRUE);
  begin_object (builder, "user");
  document_int (builder, "uid", 0);
  document_int (builder, "gid", 0);
  json_builder_end_object (builder);
  document_strings (builder, "args", args);
  document_strings (builder, "env", environment);
  document_string (builder, "cwd", "/");
  add_capabilities (builder);
  add_rlimits (builder);
  document_bool (builder, "noNewPrivileges", TRUE);
  json_builder_end_object (builder);
}

static void
add_root (JsonBuilder *builder)
{
  begin_object (builder, "root");
  document_string (builder, "path", "rootfs");
  document_bool (builder, "readonly", TRUE);
  json_builder_end_object (builder);
}

static void
add_mounts (JsonBuilder *builder, gboolean rootless)
{
  begin_array (builder, "mounts");
  for (gsize i = 0; i < G_N_ELEMENTS (mounts); i++)
    if (is_for (mounts[i].audience, rootless))
      {
        begin_object (builder, NULL);
        document_string (builder, "destination", mounts[i].destination);
        document_string (builder, "type", mounts[i].type);
        document_string (builder, "source", mounts[i].source);
        if (mounts[i].options[0] != NULL)
          document_strings (builder, "options", mounts[i].options);
        json_builder_end_object (builder);
      }
  json_builder_end_array (builder);
}

/* No device but the usual ones. */
static void
add_resources (JsonBuilder *builder)
{
  begin_object (builder, "resources");
  begin_array (builder, "devices");
  begin_object (builder, NULL);
  document_bool (builder, "allow", FALSE);
  document_string (builder, "access", "rwm");
  json_builder_end_object (builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

/* One id: root in there is the caller. */
static void
add_mapping (JsonBuilder *builder, const char *key, guint32 id)
{
  begin_array (builder, key);
  begin_object (builder, NULL);
  document_int (builder, "containerID", 0);
  document_int (builder, "hostID", id);
  document_int (builder, "size", 1);
  json_builder_end_object (builder);
  json_builder_end_array (builder);
}

static void
add_namespaces (JsonBuilder *builder, gboolean rootless)
{
  begin_array (builder, "namespaces");
  for (gsize i = 0; i < G_N_ELEMENTS (namespaces); i++)
    if (is_for (namespaces[i].audience, rootless))
      {
        begin_object (builder, NULL);
        document_string (builder, "type", namespaces[i].type);
        json_builder_end_object (builder);
      }
  json_builder_end_array (builder);
}

static void
add_linux (JsonBuilder *builder, gboolean rootless)
{
  begin_object (builder, "linux");
  if (rootless)
    {
      add_mapping (builder, "uidMappings", geteuid ());
      add_mapping (builder, "gidMappings", getegid ());
    }
  else
    add_resources (builder);
  add_namespaces (builder, rootless);
  document_strings (builder, "maskedPaths", masked_paths);
  document_strings (builder, "readonlyPaths", readonly_paths);
  json_builder_end_object (builder);
}

static GString *
format_spec (gboolean rootless)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  GString *text;

  begin_object (builder, NULL);
  document_string (builder, "ociVersion", SPEC_OCI_VERSION);
  add_process (builder);
  add_root (builder);
  document_string (builder, "hostname", SPEC_HOSTNAME);
  add_mounts (builder, rootless);
  add_linux (builder, rootless);
  json_builder_end_object (builder);
  text = document_format (builder, 1, '\t');
  g_string_append_c (text, '\n');
  return text;
}

gboolean
companion_spec (char **words, GError **error)
{
  const char *bundle = words[0], *name = words[1];
  g_autoptr (GString) text = format_spec (strcmp (words[2], "rootless") == 0);
  autofd directory = open (bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
  autofd file = -1;

  if (directory < 0)
    return throw_errno (error, "chdir %s", bundle);
  file = openat (directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0 && errno == EEXIST)
    return throw (error, "File %s exists. Remove it first", name);
  if (file < 0)
    return throw_errno (error, "create %s", name);
  if (fd_write_all (file, text->str, text->len, NULL))
    return TRUE;
  throw_errno (error, "write %s", name);
  (void) unlinkat (directory, name, 0);
  return FALSE;
}
