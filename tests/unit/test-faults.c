/* The state and a cgroup where a system call fails: each says which and where, and what it began is
 * undone; or it is no failure.
 *
 * A fork looks at the state, a filter makes the call fail from then on, and it goes on. */
#include "config.h"

#include "base/fd.h"
#include "base/proc.h"
#include "cgroup/control.h"
#include "cgroup/dir.h"
#include "run/container.h"
#include "run/delete.h"
#include "run/kill.h"
#include "run/list.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "c1"

typedef struct {
  char *dir, *root;
  Store *store;
  Container *container;  /* as it was before calls fail */
  pid_t init;
  CgroupDir folder;  /* dir, as if it were a cgroup */
} World;

/* One with a process, a gate and a record, as after "create". */
static void
set_up (World *world)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Container) made = NULL;
  autofd gate = -1;

  world->dir = g_dir_make_tmp ("test-faults-XXXXXX", &error);
  world->root = g_build_filename (world->dir, "state", NULL);
  world->store = store_open (world->root, TRUE, &error);
  g_assert_no_error (error);
  world->init = fork ();
  if (world->init == 0)
    for ((void) prctl (PR_SET_PDEATHSIG, SIGKILL);;)
      pause ();
  made = container_create (world->store, ID, &error);
  g_assert_no_error (error);
  made->record->oci_version = g_strdup ("1.0.2");
  made->record->bundle = g_strdup ("/b");
  made->record->rootfs = g_strdup ("/b/rootfs");
  made->record->bwrap = g_strdup ("/usr/bin/bwrap");
  g_assert_true (container_set_init (made, world->init, &error));
  g_assert_true (container_write (made, CONTAINER_CONFIG_FILE, "{}", 2, &error));
  g_assert_true (container_save (made, &error));
  gate = container_gate_listen (made, &error);
  g_assert_no_error (error);
  g_clear_pointer (&made, container_free);
  world->container = container_open_locked (world->store, ID, &error);
  g_assert_no_error (error);
  g_assert_true (cgroup_dir_open (&world->folder, world->dir, &error));
  g_assert_cmpint (mkdirat (world->folder.fd, "box", 0700), ==, 0);
  g_assert_cmpint (mkdirat (world->folder.fd, "box/below", 0700), ==, 0);
  g_assert_cmpint (mknodat (world->folder.fd, "cgroup.kill", S_IFREG | 0600, 0), ==, 0);
}

static void
tear_down (World *world)
{
  g_autofree char *command = g_strdup_printf ("rm -rf %s", world->dir);
  int status = system (command);

  g_assert_cmpint (status, ==, 0);
  (void) kill (world->init, SIGKILL);
  (void) proc_reap (world->init);
  cgroup_dir_clear (&world->folder);
  container_free (world->container);
  store_free (world->store);
  g_free (world->root);
  g_free (world->dir);
}

/* --- what is tried; FALSE with an error, or not --- */

static gboolean
open_store (World *world, GError **error)
{
  g_autoptr (Store) store = store_open (world->root, FALSE, error);

  return store != NULL;
}

static gboolean
make_store (World *world, GError **error)
{
  g_autofree char *path = g_build_filename (world->dir, "a", "b", NULL);
  g_autoptr (Store) store = store_open (path, TRUE, error);

  return store != NULL;
}

static gboolean
list (World *world, GError **error)
{
  g_autoptr (GPtrArray) ids = store_list (world->store, error);

  return ids != NULL;
}

static gboolean
create (World *world, GError **error)
{
  g_autoptr (Container) container = container_create (world->store, "c2", error);

  if (container == NULL)
    g_assert_cmpint (faccessat (world->store->fd, "c2", F_OK, AT_SYMLINK_NOFOLLOW), <, 0);
  return container != NULL;
}

static gboolean
write_file (World *world, GError **error)
{
  gboolean ok = container_write (world->container, "name", "text", 4, error);

  g_assert_cmpint (faccessat (world->container->fd, "name.new", F_OK, 0), <, 0);
  return ok;
}

static gboolean
look (World *world, GError **error)
{
  g_autoptr (Container) container = container_open (world->store, ID, error);

  if (container == NULL)
    return FALSE;
  g_assert_cmpint (container_status (container), ==, CONTAINER_BROKEN);
  return container_check (container, error);
}

static gboolean
look_at_status (World *world, GError **error)
{
  g_assert_cmpint (container_status (world->container), ==, CONTAINER_BROKEN);
  return container_check (world->container, error);
}

static gboolean
signal_init (World *world, GError **error)
{
  return container_kill (world->container, SIGTERM, FALSE, error);
}

static gboolean
end (World *world, GError **error)
{
  return container_end (world->container, error);
}

static gboolean
listen_at_gate (World *world, GError **error)
{
  autofd fd = -1;

  (void) unlinkat (world->container->fd, CONTAINER_GATE_FILE, 0);
  fd = container_gate_listen (world->container, error);
  return fd >= 0;
}

static gboolean
connect_to_gate (World *world, GError **error)
{
  autofd fd = -1;

  return container_gate_connect (world->container, &fd, error);
}

static gboolean
erase (World *world, GError **error)
{
  return container_remove (world->container, error);
}

static gboolean
lock_again (World *world, GError **error)
{
  gboolean there;

  container_unlock (world->container);
  return container_lock_again (world->container, &there, error);
}

static gboolean
kill_cgroup (World *world, GError **error)
{
  g_autoptr (CgroupRecord) record = cgroup_record_new (error);
  CgroupEntry *entry = cgroup_record_add (record, NULL, world->dir, world->dir);
  struct stat st;

  g_assert_cmpint (fstat (world->folder.fd, &st), ==, 0);
  entry->inode = (OptUint64) { TRUE, st.st_ino };
  return cgroups_signal (record, SIGKILL, error);
}

static gboolean
remove_cgroup (World *world, GError **error)
{
  return cgroup_remove_below (&world->folder, "box", error);
}

typedef struct {
  gboolean (*run) (World *world, GError **error);
  const char *call;
  int error;
  const char *message;  /* a part of it; NULL: it is no failure */
  unsigned int argument;  /* only where that has, of @mask, the bits @bits */
  guint64 mask, bits;
} Case;

#define FOLDERS 2, O_DIRECTORY, O_DIRECTORY
#define FILES 2, O_DIRECTORY | O_ACCMODE, 0 /* to be read */
#define ONE_BYTE 2, G_MAXUINT64, 1
#define NEW_FILES 2, O_CREAT | O_ACCMODE, O_CREAT | O_WRONLY

static const Case cases[] = {
  { open_store, "openat", EMFILE, "/state: Too many open files", FOLDERS },
  { open_store, "newfstatat fstat fstatat64 statx", EIO, "stat ", 0, 0, 0 },
  { make_store, "mkdirat", EROFS, "mkdir ", 0, 0, 0 },
  { list, "openat", EMFILE, "/state: Too many open files", FOLDERS },
  { list, "getdents64", EIO, "read ", 0, 0, 0 },
  { create, "mkdirat", ENOSPC, "/state/c2: No space left on device", 0, 0, 0 },
  { create, "openat", EMFILE, "/state/c2: Too many open files", FOLDERS },
  { create, "flock", ENOLCK, "flock: No locks available", 0, 0, 0 },
  { lock_again, "flock", ENOLCK, "flock: No locks available", 0, 0, 0 },
  { write_file, "openat", ENOSPC, "open ", NEW_FILES },
  { write_file, "write", ENOSPC, "/state/c1/name.new: No space left on device", 2, G_MAXUINT64, 4 },
  { write_file, "renameat renameat2", EIO, "/state/c1/name.new: Input/output error", 0, 0, 0 },
  { look, "openat", EMFILE, "/state/c1: Too many open files", FOLDERS },
  { look, "openat", EACCES, "container c1: ", FILES },
  { look_at_status, "openat", EMFILE, "/stat: Too many open files", FILES },
  { look_at_status, "socket", EMFILE, "socket: Too many open files", 0, 0, 0 },
  { signal_init, "pidfd_open", EMFILE, "pidfd_open", 0, 0, 0 },
  { signal_init, "pidfd_send_signal", EPERM, "send signal 15: ", 0, 0, 0 },
  { signal_init, "pidfd_send_signal", ESRCH, "container not running", 0, 0, 0 },
  { end, "pidfd_send_signal", EPERM, "send signal 9 to process ", 0, 0, 0 },
  { listen_at_gate, "socket", EMFILE, "socket: Too many open files", 0, 0, 0 },
  { listen_at_gate, "bind", ENOSPC, "/state/c1/gate: No space left on device", 0, 0, 0 },
  { listen_at_gate, "listen", EADDRINUSE, "listen: ", 0, 0, 0 },
  { connect_to_gate, "socket", EMFILE, "socket: Too many open files", 0, 0, 0 },
  { connect_to_gate, "connect", EPERM, "/state/c1/gate: Operation not permitted", 0, 0, 0 },
  { erase, "unlinkat", EROFS, "/state/c1/", 0, 0, 0 },
  { kill_cgroup, "write", EPERM, "write 1 to ", ONE_BYTE },
  { kill_cgroup, "write", ENOENT, NULL, ONE_BYTE },
  { kill_cgroup, "write", ENODEV, NULL, ONE_BYTE },
  { remove_cgroup, "openat", EMFILE, "/box: Too many open files", FOLDERS },
  { remove_cgroup, "openat", ENOENT, NULL, FOLDERS },
};

/* What is counted of the code that has run, if anything is, is written by exit (3); what looks for
 * leaks there needs calls that fail now. */
static void
leave (int status)
{
#ifdef WITH_SANITIZERS
  _exit (status);
#else
  exit (status);
#endif
}

/* Of several names, as some machines have others, at least one is known. */
static void
break_call (const Case *c)
{
  const struct scmp_arg_cmp condition
    = SCMP_CMP (c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->bits);
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  g_auto (GStrv) names = g_strsplit (c->call, " ", -1);
  guint known = 0;

  for (char **name = names; *name != NULL; name++)
    {
      int number = seccomp_syscall_resolve_name (*name);

      if (number >= 0
          && seccomp_rule_add_array (filter, SCMP_ACT_ERRNO ((guint32) c->error), number,
                                     c->mask != 0, &condition) == 0)
        known++;
    }
  g_assert_cmpuint (known, >, 0);
  g_assert_cmpint (seccomp_load (filter), ==, 0);
  seccomp_release (filter);
}

static void
test_fault (gconstpointer data)
{
  const Case *c = data;
  World world = { 0 };
  pid_t child;

  set_up (&world);
  (void) fflush (NULL);
  child = fork ();
  if (child == 0)
    {
      g_autoptr (GError) error = NULL;
      gboolean ok;

      break_call (c);
      ok = c->run (&world, &error);
      if (c->message == NULL && ok && error == NULL)
        leave (0);
      if (c->message != NULL && !ok && error != NULL && strstr (error->message, c->message) != NULL
          && strchr (error->message, '\n') == NULL)
        leave (0);
      (void) fprintf (stderr, "# %s\n", error != NULL ? error->message : "no error");
      leave (1);
    }
  g_assert_cmpint (proc_reap (child), ==, 0);
  tear_down (&world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/fault/%" G_GSIZE_FORMAT "/%s", i, cases[i].call);

      g_test_add_data_func (path, &cases[i], test_fault);
    }
  return g_test_run ();
}
