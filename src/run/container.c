/* One container; see container.h. */
#include "config.h"

#include "run/container.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/lock.h"
#include "base/patience.h"
#include "base/proc.h"
#include "run/cgroup.h"
#include "run/fuse.h"
#include "run/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_FILE "state.json"
#define INIT_FILE "init"
#define NEW_SUFFIX ".new"

#define INIT_MAX_LENGTH 256

/* How long another command may hold the lock, and how often to look. */
#define LOCK_WAIT_MS 10000
#define LOCK_STEP_MS 2

/* Everything that can be in a container's directory, in the order in which it is removed. The
 * records are last: as long as there is anything, it is known whose it is. */
static const char *const file_names[] = {
  CONTAINER_GATE_FILE,   CONTAINER_CONFIG_FILE, CONTAINER_SECCOMP_FILE,
  CONTAINER_CGROUP_FILE, CONTAINER_FUSE_FILE,   RECORD_FILE, INIT_FILE,
};

static const char *const status_names[] = {
  [CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
  [CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
  [CONTAINER_STOPPED] = "stopped",   [CONTAINER_BROKEN] = "broken",
};

/* As throw_errno(), naming @name in the container's directory, or "" for that itself. */
static gboolean
throw_path (const Container *container, const char *call, const char *name, GError **error)
{
  return throw_errno (error, "%s %s/%s%s%s", call, container->store->path, container->id,
                      *name != '\0' ? "/" : "", name);
}

/* --- opening and locking --- */

static Container *
container_new (const Store *store, const char *id)
{
  Container *container = g_new0 (Container, 1);

  container->store = store;
  container->id = g_strdup (id);
  container->fd = -1;
  return container;
}

void
container_free (Container *container)
{
  if (container == NULL)
    return;
  fd_clear (&container->fd);
  g_clear_error (&container->problem);
  g_clear_error (&container->blind);
  record_free (container->record);
  g_free (container->id);
  g_free (container);
}

/* Opens the directory; fd stays -1 where there is none. One that others may enter is none of ours:
 * --root may name any directory, and nothing in there may be taken for a broken container. */
static gboolean
open_directory (Container *container, GError **error)
{
  autofd fd = -1;
  struct stat st;

  fd_clear (&container->fd);
  if (container->store->fd < 0)
    return TRUE;
  fd = openat (container->store->fd, container->id,
               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return TRUE;
  if (fd < 0 || fstat (fd, &st) < 0)
    return throw_path (container, "open", "", error);
  if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return throw (error, "%s/%s: not the directory of a container", container->store->path,
                  container->id);
  container->fd = fd_steal (&fd);
  container->owner = st.st_uid;
  return TRUE;
}

/* Waits for the lock. flock(2) knows no time limit, so it is tried again and again. */
static gboolean
wait_for_lock (Container *container, GError **error)
{
  gint64 begun = g_get_monotonic_time ();
  const gint64 end = begun + LOCK_WAIT_MS * G_TIME_SPAN_MILLISECOND;

  for (;;)
    {
      if (!lock_try (container->fd, FALSE, &container->locked, error))
        return FALSE;
      if (container->locked)
        return TRUE;
      if (g_get_monotonic_time () >= end)
        return throw (error, "container %s is in use by another command", container->id);
      (void) patience_look (&begun, "waiting for another command that uses the container");
      g_usleep (LOCK_STEP_MS * G_TIME_SPAN_MILLISECOND);
    }
}

/* Looks whether the open directory is still the one of this name: while we waited for the lock, its
 * holder may have removed it. */
static gboolean
check_current (const Container *container, gboolean *ret_current, GError **error)
{
  struct stat ours, named;

  if (fstat (container->fd, &ours) < 0)
    return throw_path (container, "stat", "", error);
  *ret_current = fstatat (container->store->fd, container->id, &named, AT_SYMLINK_NOFOLLOW) == 0;
  if (!*ret_current && errno != ENOENT)
    return throw_path (container, "stat", "", error);
  *ret_current = *ret_current && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
  return TRUE;
}

/* Opens the directory with the lock held. Without an error *@ret_current FALSE: try again, or there
 * is none any more (fd -1). */
static gboolean
open_locked (Container *container, gboolean *ret_current, GError **error)
{
  *ret_current = FALSE;
  return open_directory (container, error)
         && (container->fd < 0
             || (wait_for_lock (container, error)
                 && check_current (container, ret_current, error)));
}

static gboolean
make_directory (Container *container, GError **error)
{
  if (mkdirat (container->store->fd, container->id, 0700) == 0)
    return TRUE;
  if (errno == EEXIST)
    return throw (error, "container with given ID already exists");
  return throw_path (container, "mkdir", "", error);
}

Container *
container_create (const Store *store, const char *id, GError **error)
{
  g_autoptr (Container) container = container_new (store, id);
  gboolean current;

  if (!store_check_id (id, error))
    return NULL;
  /* again if "delete --force" took it for a leftover before we had the lock */
  do
    {
      if (!make_directory (container, error))
        return NULL;
      if (!open_locked (container, &current, error))
        {
          (void) unlinkat (store->fd, id, AT_REMOVEDIR);
          return NULL;
        }
    }
  while (!current);
  container->record = record_new (id);
  return g_steal_pointer (&container);
}

/* Reads file @name; *@ret_text is NULL if there is none. What is no file of ours is an error, but
 * not to be able to read it makes us blind. */
static gboolean
read_file (Container *container, const char *name, gsize limit, GBytes **ret_text, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (fd_read_present_at (container->fd, name, limit, ret_text, &local))
    return TRUE;
  if (errno != EBADMSG && container->blind == NULL)
    container->blind = g_steal_pointer (&local);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
load_record (Container *container, GError **error)
{
  g_autoptr (GBytes) text = NULL;
  const char *data;
  gsize length;

  if (!read_file (container, RECORD_FILE, JSON_TEXT_MAX_LENGTH, &text, error))
    return FALSE;
  if (text == NULL)
    return TRUE;
  container->saved = TRUE;
  data = g_bytes_get_data (text, &length);
  container->record = record_parse (data, length, container->id, error);
  if (container->record == NULL)
    g_prefix_error (error, RECORD_FILE ": ");
  return container->record != NULL;
}

static gboolean
load_init (Container *container, GError **error)
{
  g_autoptr (GBytes) text = NULL;
  const char *data;
  gsize length;

  if (!read_file (container, INIT_FILE, INIT_MAX_LENGTH, &text, error))
    return FALSE;
  if (text == NULL && !container->saved)
    return TRUE;
  if (text == NULL && faccessat (container->fd, RECORD_FILE, F_OK, 0) == 0)
    return throw (error, INIT_FILE ": missing");
  if (text == NULL)
    {
      /* it is just being removed */
      container->saved = FALSE;
      g_clear_pointer (&container->record, record_free);
      return TRUE;
    }
  data = g_bytes_get_data (text, &length);
  if (init_record_parse (data, length, &container->init, error))
    return TRUE;
  g_prefix_error (error, INIT_FILE ": ");
  return FALSE;
}

gboolean
container_find (const Store *store, const char *id, gboolean locked, Container **ret_container,
                GError **error)
{
  g_autoptr (Container) container = container_new (store, id);
  gboolean current = FALSE;

  if (!store_check_id (id, error))
    return FALSE;
  do
    {
      if (!(locked ? open_locked (container, &current, error) : open_directory (container, error)))
        return FALSE;
      if (container->fd < 0)
        {
          *ret_container = NULL;
          return TRUE;
        }
    }
  while (locked && !current);
  /* each on its own: one record serves where the other is broken */
  (void) load_record (container, &container->problem);
  (void) load_init (container, container->problem == NULL ? &container->problem : NULL);
  *ret_container = g_steal_pointer (&container);
  return TRUE;
}

static Container *
find_or_fail (const Store *store, const char *id, gboolean locked, GError **error)
{
  Container *container = NULL;

  if (!container_find (store, id, locked, &container, error))
    return NULL;
  if (container == NULL)
    return throw_null (error, "container does not exist");
  return container;
}

Container *
container_open (const Store *store, const char *id, GError **error)
{
  return find_or_fail (store, id, FALSE, error);
}

Container *
container_open_locked (const Store *store, const char *id, GError **error)
{
  return find_or_fail (store, id, TRUE, error);
}

void
container_unlock (Container *container)
{
  lock_release (container->fd);
  container->locked = FALSE;
}

gboolean
container_lock_again (Container *container, gboolean *ret_there, GError **error)
{
  return wait_for_lock (container, error) && check_current (container, ret_there, error);
}

/* --- status --- */

/* Whether what is not on record yet is being created: by us, or by who holds the lock. */
static gboolean
is_being_created (const Container *container)
{
  gboolean taken = FALSE;

  if (container->record != NULL)
    return TRUE;
  if (container->locked || !lock_try (container->fd, TRUE, &taken, NULL))
    return FALSE;
  if (taken)
    lock_release (container->fd);
  return !taken;
}

/* The status of one whose init lives and does not wait. What has no cgroup of its own is never
 * frozen. */
static gboolean
look_at_cgroup (const Container *container, ContainerStatus status, ContainerStatus *ret_status,
                GError **error)
{
  g_autoptr (CgroupRecord) cgroups = NULL;

  if (!container_cgroup_load (container, &cgroups, error))
    return FALSE;
  *ret_status = cgroups != NULL && cgroups_are_frozen (cgroups) ? CONTAINER_PAUSED : status;
  return TRUE;
}

/* The status of one on record. First the gate, then the init: one that ends closes it a moment
 * before it is gone, and who removes the container takes it away. */
static gboolean
look (const Container *container, ContainerStatus *ret_status, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean waits, looked = container_gate_look (container, &waits, &local);
  InitLife life;

  if (!init_record_look (&container->init, &life, error))
    return FALSE;
  *ret_status = CONTAINER_STOPPED;
  if (life == INIT_GONE || (life == INIT_ENDS && !waits))
    return TRUE;
  if (looked)
    return look_at_cgroup (container, waits ? CONTAINER_CREATED : CONTAINER_RUNNING, ret_status,
                           error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

ContainerStatus
container_status (Container *container)
{
  ContainerStatus status;

  if (container->problem != NULL || container->blind != NULL)
    return CONTAINER_BROKEN;
  if (container->saved)
    return look (container, &status, &container->blind) ? status : CONTAINER_BROKEN;
  return is_being_created (container) ? CONTAINER_CREATING : CONTAINER_BROKEN;
}

const char *
container_status_name (ContainerStatus status)
{
  return status_names[status];
}

gboolean
container_status_is_alive (ContainerStatus status)
{
  return status == CONTAINER_CREATED || status == CONTAINER_RUNNING || status == CONTAINER_PAUSED;
}

gboolean
container_check (const Container *container, GError **error)
{
  if (container->blind != NULL)
    return throw (error, "container %s: %s", container->id, container->blind->message);
  if (container->problem != NULL)
    return throw (error, "container %s is broken: %s (delete --force removes it)", container->id,
                  container->problem->message);
  if (container->saved)
    return TRUE;
  if (is_being_created (container))
    return throw (error, "container does not exist: it is still being created");
  return throw (error, "container does not exist: its creation did not finish (delete --force"
                       " removes what is left of it)");
}

gboolean
container_pidfd (const Container *container, int *ret_pidfd, GError **error)
{
  return init_record_pidfd (&container->init, ret_pidfd, error);
}

/* --- files --- */

gboolean
container_write (Container *container, const char *name, const void *data, gsize length,
                 GError **error)
{
  g_autofree char *new_name = g_strconcat (name, NEW_SUFFIX, NULL);
  autofd fd = openat (container->fd, new_name,
                      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    return throw_path (container, "open", new_name, error);
  if (!fd_write_all (fd, data, length, NULL))
    throw_path (container, "write", new_name, error);
  else if (renameat (container->fd, new_name, container->fd, name) < 0)
    throw_path (container, "rename", new_name, error);
  else
    return TRUE;
  (void) unlinkat (container->fd, new_name, 0);
  return FALSE;
}

OciSpec *
container_spec (const Container *container, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  text = fd_read_file_at (container->fd, CONTAINER_CONFIG_FILE, JSON_TEXT_MAX_LENGTH, &length,
                          error);
  return text != NULL ? oci_spec_parse (text, length, "config.json", error) : NULL;
}

gboolean
container_set_init (Container *container, pid_t pid, GError **error)
{
  g_autofree char *line = NULL;
  InitRecord init;

  if (!init_record_take (pid, &init, error))
    return FALSE;
  line = init_record_format (&init);
  if (!container_write (container, INIT_FILE, line, strlen (line), error))
    return FALSE;
  container->init = init;
  return TRUE;
}

gboolean
container_save (Container *container, GError **error)
{
  g_autoptr (GString) line = record_format (container->record);

  if (!container_write (container, RECORD_FILE, line->str, line->len, error))
    return FALSE;
  container->saved = TRUE;
  return TRUE;
}

static gboolean
remove_file (const Container *container, const char *name, GError **error)
{
  if (unlinkat (container->fd, name, 0) < 0 && errno != ENOENT)
    return throw_path (container, "remove", name, error);
  return TRUE;
}

gboolean
container_gate_remove (Container *container, GError **error)
{
  return remove_file (container, CONTAINER_GATE_FILE, error);
}

/* All of our files, with @suffix. */
static gboolean
remove_files (const Container *container, const char *suffix, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (file_names); i++)
    {
      g_autofree char *name = g_strconcat (file_names[i], suffix, NULL);

      if (!remove_file (container, name, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
container_remove (Container *container, GError **error)
{
  /* the second, what a writer that died has begun, only if there is something left */
  static const char *const suffixes[] = { "", NEW_SUFFIX };

  if (!container_cgroup_remove (container, error) || !fuse_end (container, error)
      || !layer_remove (container, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      if (!remove_files (container, suffixes[i], error))
        return FALSE;
      container->saved = FALSE;
      if (unlinkat (container->store->fd, container->id, AT_REMOVEDIR) == 0)
        return TRUE;
      if (errno != ENOTEMPTY && errno != EEXIST)
        break;
    }
  return throw_path (container, "remove", "", error);
}
