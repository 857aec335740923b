/* All containers and how they are; see list.h. */
#include "config.h"

#include "run/list.h"

#include "base/log.h"
#include "host/subid.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How long a bare directory is taken for the beginning of a create, which has 500 beside it at
 * times, and how often to look. */
#define BARE_YOUTH_MS 1000
#define BARE_STEP_US 1000

void
list_entry_free (ListEntry *entry)
{
  g_free (entry->id);
  record_free (entry->record);
  g_free (entry);
}

static ListEntry *
entry_new (const char *id, ContainerStatus status)
{
  ListEntry *entry = g_new0 (ListEntry, 1);

  entry->id = g_strdup (id);
  entry->status = status;
  return entry;
}

/* The entry of what could not even be opened. */
static ListEntry *
entry_broken (const char *id)
{
  ListEntry *entry = entry_new (id, CONTAINER_BROKEN);

  entry->owner = geteuid ();
  return entry;
}

ListEntry *
list_entry_take (Container *container)
{
  ListEntry *entry = entry_new (container->id, container_status (container));

  if (container_status_is_alive (entry->status))
    entry->pid = container->init.pid;
  entry->owner = container->owner;
  if (entry->status != CONTAINER_BROKEN)
    entry->record = g_steal_pointer (&container->record);
  return entry;
}

/* Says why it is broken, if it is. */
static void
warn_of (const Container *container)
{
  const GError *reason = container->problem != NULL ? container->problem : container->blind;

  if (reason != NULL)
    log_warning ("container %s: %s", container->id, reason->message);
}

/* Whether @container may have a lock and a record at the next look. A directory without both is
 * what a create leaves that was killed; but also what each begins with, for a moment. */
static gboolean
is_beginning (const Container *container, const ListEntry *entry)
{
  struct timespec now;
  struct stat st;
  gint64 age;

  if (entry->status != CONTAINER_BROKEN || container->problem != NULL || container->blind != NULL
      || fstat (container->fd, &st) < 0)
    return FALSE;
  (void) clock_gettime (CLOCK_REALTIME, &now);
  age = (gint64) (now.tv_sec - st.st_ctim.tv_sec) * 1000
        + (now.tv_nsec - st.st_ctim.tv_nsec) / 1000000;
  return age >= 0 && age < BARE_YOUTH_MS;
}

/* The entry of container @id; NULL: it has been removed since. */
static ListEntry *
look_at (const Store *store, const char *id)
{
  for (;;)
    {
      g_autoptr (ListEntry) entry = NULL;
      g_autoptr (Container) container = NULL;
      g_autoptr (GError) local = NULL;

      if (!container_find (store, id, FALSE, &container, &local))
        {
          log_warning ("container %s: %s", id, local->message);
          return entry_broken (id);
        }
      if (container == NULL)
        return NULL;
      entry = list_entry_take (container);
      if (!is_beginning (container, entry))
        {
          warn_of (container);
          return g_steal_pointer (&entry);
        }
      g_usleep (BARE_STEP_US);
    }
}

GPtrArray *
list_containers (const Store *store, GError **error)
{
  g_autoptr (GPtrArray) entries
      = g_ptr_array_new_with_free_func ((GDestroyNotify) list_entry_free);
  g_autoptr (GPtrArray) ids = store_list (store, error);

  if (ids == NULL)
    return NULL;
  for (guint i = 0; i < ids->len; i++)
    {
      ListEntry *entry = look_at (store, g_ptr_array_index (ids, i));

      if (entry != NULL)
        g_ptr_array_add (entries, entry);
    }
  return g_steal_pointer (&entries);
}

char *
list_owner_name (uid_t uid)
{
  char *name = host_user_name (uid);

  return name != NULL ? name : g_strdup_printf ("#%u", uid);
}
