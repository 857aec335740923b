/* What is on record about a container; see record.h. */
#include "config.h"

#include "run/record.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "json/emit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const Name record_cgroup_managers[] = {
  { "cgroupfs", CGROUP_MANAGER_CGROUPFS },
  { "systemd", CGROUP_MANAGER_SYSTEMD },
  { "disabled", CGROUP_MANAGER_DISABLED },
  { NULL, 0 },
};

static const Field record_fields[] = {
  FIELD_UINT32 (ContainerRecord, version, "version", "format of this record",
                .flags = FIELD_REQUIRED),
  FIELD_STRING (ContainerRecord, id, "id", "name of the container", .flags = FIELD_REQUIRED),
  FIELD_STRING (ContainerRecord, oci_version, "ociVersion", "that of the configuration",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_STRING (ContainerRecord, bundle, "bundle", "the bundle's directory",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_STRING (ContainerRecord, rootfs, "rootfs", "the root file system",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_STRING (ContainerRecord, created, "created", "time of creation (RFC 3339)",
                .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY),
  FIELD_UINT32 (ContainerRecord, owner, "owner", "uid of who created it", .flags = FIELD_REQUIRED),
  FIELD_PAIRS (ContainerRecord, annotations, "annotations", "those of the configuration"),
  FIELD_STRING (ContainerRecord, layer, "layer", "the folder that its layer is kept in",
                .flags = FIELD_ABSOLUTE),
  FIELD_STRING (ContainerRecord, bwrap, "bwrap", "the bubblewrap that was used",
                .flags = FIELD_REQUIRED | FIELD_ABSOLUTE),
  FIELD_NAME (ContainerRecord, cgroup_manager, record_cgroup_managers, "cgroupManager",
              "who makes cgroups", .flags = FIELD_REQUIRED),
  FIELD_STRING (ContainerRecord, cgroup, "cgroup", "the cgroup that goes with it",
                .flags = FIELD_ABSOLUTE),
  FIELD_BOOL (ContainerRecord, own_pid_ns, "ownPidNamespace", "its init is pid 1"),
  FIELD_BOOL (ContainerRecord, no_new_privs, "noNewPrivileges", "it was started with the bit"),
  FIELD_BOOL (ContainerRecord, terminal, "terminal", "it has a terminal"),
  FIELD_BOOL (ContainerRecord, plain, "plain", "it is of the plain mode"),
  FIELD_BOOL (ContainerRecord, no_process, "noProcess", "there is nothing to start"),
  FIELD_BOOL (ContainerRecord, hooks, "hooks", "it has hooks that run after create"),
  FIELD_STRING (ContainerRecord, notify_socket, "notifySocket", "NOTIFY_SOCKET of its creator",
                .flags = FIELD_NOT_EMPTY),
  FIELD_END
};

const FieldType record_type = { "record", sizeof (ContainerRecord), record_fields };

/* The time of day as RFC 3339 has it, to the nanosecond. Not by strftime(3): it looks for the local
 * time zone first, nor by GLib's format, which looks for the locale's characters. */
static char *
time_now (void)
{
  g_autoptr (GDateTime) second = NULL;
  struct timespec now;
  int year, month, day;

  (void) clock_gettime (CLOCK_REALTIME, &now);
  second = g_date_time_new_from_unix_utc (now.tv_sec);
  g_date_time_get_ymd (second, &year, &month, &day);
  return g_strdup_printf ("%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", year, month, day,
                          g_date_time_get_hour (second), g_date_time_get_minute (second),
                          g_date_time_get_second (second), now.tv_nsec);
}

ContainerRecord *
record_new (const char *id)
{
  ContainerRecord *record = g_new0 (ContainerRecord, 1);

  record->version = (OptUint32) { TRUE, RECORD_VERSION };
  record->id = g_strdup (id);
  record->created = time_now ();
  record->owner = (OptUint32) { TRUE, geteuid () };
  return record;
}

void
record_free (ContainerRecord *record)
{
  field_free (&record_type, record);
}

ContainerRecord *
record_parse (const char *text, gsize length, const char *id, GError **error)
{
  g_autoptr (ContainerRecord) record = NULL;
  g_autoptr (JsonText) json = json_text_parse (text, length, error);

  if (json == NULL)
    return NULL;
  record = field_read (&record_type, json_text_root (json), "", NULL, error);
  if (record == NULL)
    return NULL;
  if (record->version.value != RECORD_VERSION)
    return throw_null (error, "/version: expected %d, got %u", RECORD_VERSION,
                       record->version.value);
  if (strcmp (record->id, id) != 0)
    return throw_null (error, "/id: this is the record of \"%s\"", record->id);
  return g_steal_pointer (&record);
}

static void
emit_pairs (JsonEmit *emit, const char *key, const GPtrArray *pairs)
{
  json_emit_object (emit, key);
  for (guint i = 0; i < pairs->len; i++)
    {
      const OciPair *pair = g_ptr_array_index (pairs, i);

      json_emit_string (emit, pair->key, pair->value);
    }
  json_emit_object_end (emit);
}

/* Writes the member of @field at @member unless it is absent. */
static void
emit_member (JsonEmit *emit, const Field *field, gconstpointer member)
{
  const OptUint32 *number = member;
  const OptBool *boolean = member;
  const char *const *string = member;
  const GPtrArray *const *pairs = member;

  switch (field->kind)
    {
    case FIELD_KIND_UINT32:
      if (number->set)
        json_emit_uint (emit, field->name, number->value);
      break;
    case FIELD_KIND_BOOL:
      if (boolean->set)
        json_emit_bool (emit, field->name, boolean->value);
      break;
    case FIELD_KIND_STRING:
      if (*string != NULL)
        json_emit_string (emit, field->name, *string);
      break;
    case FIELD_KIND_NAME:
      json_emit_string (emit, field->name, name_of (field->names, *(const int *) member));
      break;
    case FIELD_KIND_PAIRS:
      if (field_count (*pairs) > 0)
        emit_pairs (emit, field->name, *pairs);
      break;
    default:
      g_return_if_reached ();
    }
}

GString *
record_format (const ContainerRecord *record)
{
  GString *line = g_string_sized_new (1024);
  JsonEmit emit;

  json_emit_init (&emit, line);
  json_emit_object (&emit, NULL);
  for (const Field *field = record_fields; field->name != NULL; field++)
    emit_member (&emit, field, (const char *) record + field->offset);
  json_emit_object_end (&emit);
  g_string_append_c (line, '\n');
  return line;
}

/* --- the first process --- */

static gboolean
namespace_inode (pid_t pid, const char *name, ino_t *ret_inode, GError **error)
{
  char path[64];
  struct stat st;

  (void) snprintf (path, sizeof path, "/proc/%d/ns/%s", (int) pid, name);
  if (stat (path, &st) < 0)
    return throw_errno (error, "stat %s", path);
  *ret_inode = st.st_ino;
  return TRUE;
}

gboolean
init_record_take (pid_t pid, InitRecord *ret_init, GError **error)
{
  const char *boot_id = proc_boot_id (error);
  InitRecord init = { .pid = pid };
  ProcStat stat;

  if (boot_id == NULL || !proc_stat (pid, &stat, error)
      || !namespace_inode (pid, "pid", &init.pid_ns, error)
      || !namespace_inode (pid, "mnt", &init.mount_ns, error))
    return FALSE;
  init.start_time = stat.start_time;
  (void) g_strlcpy (init.boot_id, boot_id, sizeof init.boot_id);
  *ret_init = init;
  return TRUE;
}

gboolean
init_record_parse (const char *text, gsize length, InitRecord *ret_init, GError **error)
{
  enum { PID, START_TIME, BOOT_ID, PID_NS, MOUNT_NS, N_WORDS };
  g_auto (GStrv) words = NULL;
  guint64 pid, start_time, pid_ns, mount_ns;

  if (length == 0 || strlen (text) != length || text[length - 1] != '\n')
    return throw (error, "not one line of text");
  words = g_strsplit (text, " ", N_WORDS + 1);
  if (g_strv_length (words) != N_WORDS)
    return throw (error, "not %d words", N_WORDS);
  words[MOUNT_NS][strlen (words[MOUNT_NS]) - 1] = '\0';
  if (!g_ascii_string_to_unsigned (words[PID], 10, 2, G_MAXINT32, &pid, NULL)
      || !g_ascii_string_to_unsigned (words[START_TIME], 10, 0, G_MAXUINT64, &start_time, NULL)
      || !g_uuid_string_is_valid (words[BOOT_ID])
      || !g_ascii_string_to_unsigned (words[PID_NS], 10, 1, G_MAXUINT64, &pid_ns, NULL)
      || !g_ascii_string_to_unsigned (words[MOUNT_NS], 10, 1, G_MAXUINT64, &mount_ns, NULL))
    return throw (error, "unexpected format");
  *ret_init = (InitRecord) { .pid = (pid_t) pid,
                             .start_time = start_time,
                             .pid_ns = (ino_t) pid_ns,
                             .mount_ns = (ino_t) mount_ns };
  (void) g_strlcpy (ret_init->boot_id, words[BOOT_ID], sizeof ret_init->boot_id);
  return TRUE;
}

char *
init_record_format (const InitRecord *init)
{
  return g_strdup_printf ("%d %" G_GUINT64_FORMAT " %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                          "\n",
                          (int) init->pid, init->start_time, init->boot_id, (guint64) init->pid_ns,
                          (guint64) init->mount_ns);
}

/* Whether the process is in the recorded pid namespace, which nobody leaves; it may well have left
 * its mount namespace. What cannot be looked at is believed. */
static gboolean
is_in_namespace (const InitRecord *init)
{
  ino_t inode;

  return !namespace_inode (init->pid, "pid", &inode, NULL) || inode == init->pid_ns;
}

gboolean
init_record_look (const InitRecord *init, InitLife *ret_life, GError **error)
{
  const char *boot_id = proc_boot_id (error);
  autofd pidfd = -1;
  ProcStat stat;

  if (boot_id == NULL)
    return FALSE;
  *ret_life = INIT_GONE;
  if (init->pid == 0 || strcmp (init->boot_id, boot_id) != 0)
    return TRUE;
  /* no descriptor is held: that it was there at this moment is all that is asked */
  if (proc_stat (init->pid, &stat, NULL))
    {
      if (proc_stat_is (&stat, init->start_time) && is_in_namespace (init))
        *ret_life = stat.exiting ? INIT_ENDS : INIT_LIVES;
      return TRUE;
    }
  if (!init_record_pidfd (init, &pidfd, error))
    return FALSE;
  if (pidfd >= 0)
    *ret_life = INIT_LIVES;
  return TRUE;
}

gboolean
init_record_pidfd (const InitRecord *init, int *ret_pidfd, GError **error)
{
  const char *boot_id = proc_boot_id (error);
  gboolean gone = FALSE;
  autofd pidfd = -1;

  if (boot_id == NULL)
    return FALSE;
  if (init->pid == 0 || strcmp (init->boot_id, boot_id) != 0)
    {
      *ret_pidfd = -1;
      return TRUE;
    }
  pidfd = proc_open_same (init->pid, init->start_time, &gone, error);
  if (pidfd < 0 && !gone)
    return FALSE;
  *ret_pidfd = pidfd >= 0 && is_in_namespace (init) ? fd_steal (&pidfd) : -1;
  return TRUE;
}
