/* What happens to a container that runs; see events.h. */
#include "config.h"

#include "run/events.h"

#include "base/error.h"
#include "base/fd.h"
#include "json/emit.h"
#include "run/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static gboolean
load_cgroups (Container *container, CgroupRecord **ret_record, GError **error)
{
  ContainerStatus status = container_status (container);
  g_autoptr (CgroupRecord) record = NULL;

  if (!container_check (container, error) || !container_cgroup_load (container, &record, error))
    return FALSE;
  if (!container_status_is_alive (status))
    return throw (error, "container with id %s is not running", container->id);
  if (record == NULL || !cgroups_are_owned (record))
    return throw (error, "container %s has no cgroup of its own: there are no statistics",
                  container->id);
  *ret_record = g_steal_pointer (&record);
  return TRUE;
}

/* --- the lines --- */

static void
begin (JsonEmit *emit, GString *line, const char *type, const Container *container)
{
  json_emit_init (emit, line);
  json_emit_object (emit, NULL);
  json_emit_string (emit, "type", type);
  json_emit_string (emit, "id", container->id);
}

static void
emit_usage (JsonEmit *emit, const char *key, const CgroupUsage *usage)
{
  json_emit_object (emit, key);
  json_emit_uint (emit, "limit", usage->limit);
  json_emit_uint (emit, "usage", usage->usage);
  json_emit_uint (emit, "max", usage->max);
  json_emit_uint (emit, "failcnt", usage->failcnt);
  json_emit_object_end (emit);
}

static void
emit_stall (JsonEmit *emit, const char *key, const CgroupStall *stall)
{
  json_emit_object (emit, key);
  json_emit_hundredths (emit, "avg10", stall->avg10);
  json_emit_hundredths (emit, "avg60", stall->avg60);
  json_emit_hundredths (emit, "avg300", stall->avg300);
  json_emit_uint (emit, "total", stall->total);
  json_emit_object_end (emit);
}

static void
emit_pressure (JsonEmit *emit, const CgroupPressure *pressure)
{
  if (!pressure->known)
    return;
  json_emit_object (emit, "psi");
  emit_stall (emit, "some", &pressure->some);
  emit_stall (emit, "full", &pressure->full);
  json_emit_object_end (emit);
}

static void
emit_cpu (JsonEmit *emit, const CgroupStats *stats)
{
  json_emit_object (emit, "cpu");
  json_emit_object (emit, "usage");
  json_emit_uint (emit, "total", stats->cpu_total);
  if (stats->cpu_percpu->len > 0)
    {
      json_emit_array (emit, "percpu");
      for (guint i = 0; i < stats->cpu_percpu->len; i++)
        json_emit_uint (emit, NULL, g_array_index (stats->cpu_percpu, guint64, i));
      json_emit_array_end (emit);
    }
  json_emit_uint (emit, "kernel", stats->cpu_kernel);
  json_emit_uint (emit, "user", stats->cpu_user);
  json_emit_object_end (emit);
  json_emit_object (emit, "throttling");
  json_emit_uint (emit, "periods", stats->periods);
  json_emit_uint (emit, "throttledPeriods", stats->throttled_periods);
  json_emit_uint (emit, "throttledTime", stats->throttled_time);
  json_emit_object_end (emit);
  emit_pressure (emit, &stats->cpu_pressure);
  json_emit_object_end (emit);
}

static void
emit_memory (JsonEmit *emit, const CgroupStats *stats)
{
  json_emit_object (emit, "memory");
  json_emit_uint (emit, "cache", stats->cache);
  emit_usage (emit, "usage", &stats->memory);
  emit_usage (emit, "swap", &stats->swap);
  emit_usage (emit, "kernel", &stats->kernel);
  emit_usage (emit, "kernelTCP", &stats->kernel_tcp);
  json_emit_object (emit, "raw");
  for (guint i = 0; i < stats->memory_raw->len; i++)
    {
      const CgroupNumber *number = g_ptr_array_index (stats->memory_raw, i);

      json_emit_uint (emit, number->name, number->value);
    }
  json_emit_object_end (emit);
  emit_pressure (emit, &stats->memory_pressure);
  json_emit_object_end (emit);
}

static void
emit_io (JsonEmit *emit, const char *key, const GPtrArray *list)
{
  if (list->len == 0)
    return;
  json_emit_array (emit, key);
  for (guint i = 0; i < list->len; i++)
    {
      const CgroupIo *io = g_ptr_array_index (list, i);

      json_emit_object (emit, NULL);
      json_emit_uint (emit, "major", io->major);
      json_emit_uint (emit, "minor", io->minor);
      json_emit_string (emit, "op", io->op);
      json_emit_uint (emit, "value", io->value);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

static void
emit_rest (JsonEmit *emit, const CgroupStats *stats)
{
  json_emit_object (emit, "pids");
  json_emit_uint (emit, "current", stats->pids_current);
  json_emit_uint (emit, "limit", stats->pids_limit);
  json_emit_object_end (emit);
  json_emit_object (emit, "blkio");
  emit_io (emit, "ioServiceBytesRecursive", stats->io_bytes);
  emit_io (emit, "ioServicedRecursive", stats->io_operations);
  emit_pressure (emit, &stats->io_pressure);
  json_emit_object_end (emit);
  json_emit_object (emit, "hugetlb");
  for (guint i = 0; i < stats->hugepages->len; i++)
    {
      const CgroupHugepages *hugepages = g_ptr_array_index (stats->hugepages, i);

      json_emit_object (emit, hugepages->size);
      json_emit_uint (emit, "usage", hugepages->usage.usage);
      json_emit_uint (emit, "max", hugepages->usage.max);
      json_emit_uint (emit, "failcnt", hugepages->usage.failcnt);
      json_emit_object_end (emit);
    }
  json_emit_object_end (emit);
  json_emit_object (emit, "intel_rdt");
  json_emit_object_end (emit);
  json_emit_string (emit, "network_interfaces", NULL);
}

CgroupStats *
events_stats (Container *container, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;

  return load_cgroups (container, &record, error) ? cgroup_stats_new (record) : NULL;
}

GString *
events_format_stats (const Container *container, const CgroupStats *stats)
{
  GString *line = g_string_sized_new (4096);
  JsonEmit emit;

  begin (&emit, line, "stats", container);
  json_emit_object (&emit, "data");
  emit_cpu (&emit, stats);
  emit_memory (&emit, stats);
  emit_rest (&emit, stats);
  json_emit_object_end (&emit);
  json_emit_object_end (&emit);
  g_string_append_c (line, '\n');
  return line;
}

GString *
events_format_oom (const Container *container)
{
  GString *line = g_string_new (NULL);
  JsonEmit emit;

  begin (&emit, line, "oom", container);
  json_emit_object_end (&emit);
  g_string_append_c (line, '\n');
  return line;
}

/* --- watching --- */

/* How often the kernel has killed for want of memory, read from the open file; FALSE if its cgroup
 * is gone. */
static gboolean
read_killed (int memory, guint64 *ret_killed)
{
  char text[512];
  ssize_t n = pread (memory, text, sizeof text - 1, 0);
  const char *line;

  if (n < 0)
    return FALSE;
  text[n] = '\0';
  line = strstr (text, "oom_kill ");
  *ret_killed = line != NULL ? g_ascii_strtoull (line + strlen ("oom_kill "), NULL, 10) : 0;
  return TRUE;
}

/* cgroup v1 wakes who waits by an eventfd (memory.txt, "OOM Control"). */
static void
watch_v1 (const CgroupDir *dir, EventsWatch *watch)
{
  char words[32];

  watch->memory = openat (dir->fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
  watch->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  (void) snprintf (words, sizeof words, "%d %d", watch->wake, watch->memory);
  if (!cgroup_dir_write (dir, "cgroup.event_control", words, NULL))
    {
      fd_clear (&watch->memory);
      fd_clear (&watch->wake);
    }
}

static void
watch_memory (const CgroupRecord *record, EventsWatch *watch)
{
  for (guint i = 0; i < record->entries->len && watch->memory < 0; i++)
    {
      g_auto (CgroupDir) dir = CGROUP_DIR_INIT;

      if (!cgroup_entry_open (g_ptr_array_index (record->entries, i), &dir))
        continue;
      if (cgroup_dir_has (&dir, "memory.events"))
        watch->memory = openat (dir.fd, "memory.events", O_RDONLY | O_CLOEXEC);
      else if (cgroup_dir_has (&dir, "memory.oom_control"))
        watch_v1 (&dir, watch);
    }
  if (watch->memory >= 0)
    (void) read_killed (watch->memory, &watch->killed);
}

gboolean
events_watch (Container *container, EventsWatch *ret_watch, GError **error)
{
  g_autoptr (CgroupRecord) record = NULL;
  EventsWatch watch = EVENTS_WATCH_INIT;

  if (!load_cgroups (container, &record, error)
      || !container_pidfd (container, &watch.pidfd, error))
    return FALSE;
  watch_memory (record, &watch);
  *ret_watch = watch;
  return TRUE;
}

/* Whether the change was that the kernel kills: the end of a cgroup is one, too. v1 says so before
 * it has done it. */
static gboolean
is_oom (EventsWatch *watch)
{
  guint64 before = watch->killed, ignored;

  if (!read_killed (watch->memory, &watch->killed))
    {
      fd_clear (&watch->memory);
      fd_clear (&watch->wake);
      return FALSE;
    }
  if (watch->wake >= 0)
    return read (watch->wake, &ignored, sizeof ignored) == sizeof ignored;
  return watch->killed > before;
}

Event
events_next (EventsWatch *watch, gint64 until)
{
  if (watch->pidfd < 0)
    return EVENT_END;
  for (;;)
    {
      struct pollfd fds[2] = {
        { .fd = watch->pidfd, .events = POLLIN },
        { .fd = watch->wake >= 0 ? watch->wake : watch->memory,
          .events = watch->wake >= 0 ? POLLIN : POLLPRI },
      };
      gint64 left = (until - g_get_monotonic_time ()) / 1000;
      int n = poll (fds, G_N_ELEMENTS (fds), (int) CLAMP (left, 0, G_MAXINT));

      if (n < 0 && errno != EINTR)
        return EVENT_END;
      if (n > 0 && fds[1].revents != 0 && is_oom (watch))
        return EVENT_OOM;
      if (n > 0 && fds[0].revents != 0)
        return EVENT_END;
      if (n == 0)
        return EVENT_TIMEOUT;
    }
}

void
events_watch_clear (EventsWatch *watch)
{
  fd_clear (&watch->pidfd);
  fd_clear (&watch->memory);
  fd_clear (&watch->wake);
}
