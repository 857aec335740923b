/* The state root, containers and their records; signals, start and delete with real processes. */
#include "config.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/proc.h"
#include "run/container.h"
#include "run/delete.h"
#include "run/kill.h"
#include "run/list.h"
#include "run/processes.h"
#include "run/report.h"
#include "run/start.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "c1"

typedef struct {
  char *dir;
  Store *store;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *root = NULL;
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("test-store-XXXXXX", &error);
  g_assert_no_error (error);
  root = g_build_filename (f->dir, "state", NULL);
  f->store = store_open (root, TRUE, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf %s", f->dir);
  int status = system (command);

  g_assert_cmpint (status, ==, 0);
  store_free (f->store);
  g_free (f->dir);
}

/* Writes @text to file @name below the root. */
static void
put (const Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->store->path, name, NULL);
  gboolean ok = g_file_set_contents (path, text, -1, NULL);

  g_assert_true (ok);
}

static gboolean
exists (const Fixture *f, const char *name)
{
  return faccessat (f->store->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
assert_message (GError *error, const char *part)
{
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, part));
  g_assert_null (strchr (error->message, '\n'));
}

/* --- processes to be containers --- */

/* A fork that does not outlive the test. */
static pid_t
fork_child (void)
{
  pid_t pid = fork ();

  if (pid == 0)
    (void) prctl (PR_SET_PDEATHSIG, SIGKILL);
  return pid;
}

/* A child that does nothing. It shares all namespaces with us: what ends "everything in the
 * container" must not reach us. */
static pid_t
sleeper (void)
{
  pid_t pid = fork_child ();

  if (pid == 0)
    for (;;)
      pause ();
  g_assert_cmpint (pid, >, 0);
  return pid;
}

static void
reap (pid_t pid)
{
  (void) kill (pid, SIGKILL);
  (void) proc_reap (pid);
}

static gboolean
is_alive (pid_t pid)
{
  ProcStat stat;

  return proc_stat (pid, &stat, NULL) && stat.state != 'Z';
}

static void
fill (ContainerRecord *record)
{
  record->oci_version = g_strdup ("1.0.2");
  record->bundle = g_strdup ("/srv/b\xc3\xbcndle \"1\"");
  record->rootfs = g_strdup ("/srv/bundle/rootfs");
  record->bwrap = g_strdup ("/usr/bin/bwrap");
  record->cgroup_manager = CGROUP_MANAGER_SYSTEMD;
}

/* A container that is on record with @pid as its init; the lock is given back. */
static void
record_container (const Fixture *f, const char *id, pid_t pid)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Container) container = container_create (f->store, id, &error);

  g_assert_no_error (error);
  fill (container->record);
  g_assert_true (container_set_init (container, pid, &error));
  g_assert_true (container_save (container, &error));
  g_assert_no_error (error);
}

static ContainerStatus
status_of (const Fixture *f, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Container) container = container_open (f->store, id, &error);

  g_assert_no_error (error);
  return container_status (container);
}

/* --- ids and the root --- */

static void
test_ids (void)
{
  static const char *const good[] = { "a", "0", "_", "A.b+c-d_e", "nginx.service", "a..b" };
  static const char *const bad[] = { ".",   "..",  ".a",   "-a",  "+a",  "a/b", "a b", "a\nb",
                                     "a:b", "a@b", "\xc3\xa9", "../a", "a/", "/a",  "a\\b" };
  g_autofree char *longest = g_strnfill (240, 'a');
  g_autofree char *too_long = g_strnfill (241, 'a');
  g_autoptr (GError) empty = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (store_check_id (good[i], NULL));
  g_assert_true (store_check_id (longest, NULL));
  g_assert_false (store_check_id (too_long, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (store_check_id (bad[i], &error));
      assert_message (error, "invalid container ID format");
    }
  g_assert_false (store_check_id ("", &empty));
  assert_message (empty, "container id cannot be empty");
}

static void
test_locate (void)
{
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *below = g_build_filename (here, "state", NULL);
  g_autofree char *relative = store_locate ("./x/../state/", NULL, NULL);
  g_autofree char *absolute = store_locate ("/x", "/run/user/1", NULL);
  g_autofree char *runtime = store_locate (NULL, "/run/user/1", NULL);
  g_autofree char *empty = store_locate ("", "/run/user/1", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *none = store_locate (NULL, "relative", &error);

  g_assert_cmpstr (relative, ==, below);
  g_assert_cmpstr (absolute, ==, "/x");
  g_assert_cmpstr (runtime, ==, "/run/user/1/bwrap-oci");
  g_assert_null (empty);
  if (geteuid () == 0)
    g_assert_cmpstr (none, ==, "/run/bwrap-oci");
  else
    assert_message (error, "--root");
}

/* Opening @path fails, by name. */
static void
assert_refused (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Store) store = store_open (path, TRUE, &error);

  g_assert_null (store);
  assert_message (error, path);
}

static void
test_root (Fixture *f, gconstpointer data)
{
  g_autofree char *nested = g_build_filename (f->dir, "a", "b", "c", NULL);
  g_autofree char *link = g_build_filename (f->dir, "link", NULL);
  g_autofree char *file = g_build_filename (f->dir, "file", NULL);
  g_autoptr (Store) missing = store_open (nested, FALSE, NULL);
  g_autoptr (Store) made = store_open (nested, TRUE, NULL);
  g_autoptr (GPtrArray) none = store_list (missing, NULL);
  g_autoptr (Container) nobody = NULL;
  struct stat st;

  g_assert_cmpint (missing->fd, ==, -1);
  g_assert_cmpuint (none->len, ==, 0);
  nobody = container_open (missing, ID, NULL);
  g_assert_null (nobody);
  g_assert_cmpint (fstat (made->fd, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0700);

  g_assert_cmpint (symlink (nested, link), ==, 0);
  assert_refused (link);
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  assert_refused (file);
  assert_refused ("/");
  g_assert_cmpint (g_chmod (nested, 0770), ==, 0);
  assert_refused (nested);
  g_assert_cmpint (g_chmod (nested, 0707), ==, 0);
  assert_refused (nested);
  if (geteuid () == 0)
    {
      g_assert_cmpint (g_chmod (nested, 0700), ==, 0);
      g_assert_cmpint (chown (nested, 12345, 12345), ==, 0);
      assert_refused (nested);
    }
}

static void
test_strays (Fixture *f, gconstpointer data)
{
  static const char *const expected[] = { "a", "b", "c" };
  g_autoptr (GPtrArray) ids = NULL;

  put (f, "file", "");
  for (const char *const *name = (const char *[]) { ".cache", "c", "a", "b", "x y", NULL };
       *name != NULL; name++)
    g_assert_cmpint (mkdirat (f->store->fd, *name, 0700), ==, 0);
  g_assert_cmpint (symlinkat ("a", f->store->fd, "link"), ==, 0);
  g_assert_cmpint (mkdirat (f->store->fd, "open", 0755), ==, 0);
  put (f, "open/" CONTAINER_CONFIG_FILE, "");
  g_assert_false (container_delete (f->store, "open", TRUE, NULL));
  g_assert_true (exists (f, "open/" CONTAINER_CONFIG_FILE));
  ids = store_list (f->store, NULL);
  g_assert_cmpuint (ids->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < ids->len; i++)
    g_assert_cmpstr (g_ptr_array_index (ids, i), ==, expected[i]);
}

/* --- records --- */

static void
pair_free (gpointer data)
{
  OciPair *pair = data;

  g_free (pair->key);
  g_free (pair->value);
  g_free (pair);
}

static ContainerRecord *
full_record (void)
{
  ContainerRecord *record = record_new (ID);
  OciPair *pair = g_new (OciPair, 1);

  fill (record);
  *pair = (OciPair) { g_strdup ("org.example"), g_strdup ("\xe2\x82\xac \" \\ \x01") };
  record->annotations = g_ptr_array_new_with_free_func (pair_free);
  g_ptr_array_add (record->annotations, pair);
  record->cgroup = g_strdup ("/sys/fs/cgroup/x");
  record->own_pid_ns = (OptBool) { TRUE, TRUE };
  return record;
}

static void
test_record (void)
{
  g_autoptr (ContainerRecord) record = full_record ();
  g_autoptr (GString) line = record_format (record);
  g_autoptr (GError) error = NULL;
  g_autoptr (ContainerRecord) read = record_parse (line->str, line->len, ID, &error);
  g_autoptr (GString) again = NULL;
  g_autoptr (GDateTime) created = g_date_time_new_from_iso8601 (record->created, NULL);

  g_assert_no_error (error);
  again = record_format (read);
  g_assert_cmpstr (line->str, ==, again->str);
  g_assert_true (g_str_has_suffix (line->str, "}\n"));
  g_assert_nonnull (created);
  g_assert_cmpuint (strlen (record->created), ==, strlen ("2026-01-01T00:00:00.000000000Z"));
  g_assert_cmpuint (read->owner.value, ==, geteuid ());
  g_assert_cmpint (read->cgroup_manager, ==, CGROUP_MANAGER_SYSTEMD);

  /* torn at whatever place it is broken; the newline is not part of it */
  for (gsize length = 0; length < line->len - 1; length++)
    {
      ContainerRecord *torn = record_parse (line->str, length, ID, NULL);

      g_assert_null (torn);
    }
}

static void
test_alien_records (void)
{
  static const struct {
    const char *from;  /* a part of the record */
    const char *to;
    const char *message;
  } cases[] = {
    { "\"version\":1", "\"version\":2", "/version" },
    { "\"version\":1,", "", "/version" },
    { "\"id\":\"c1\"", "\"id\":\"c2\"", "c2" },
    { "\"id\":\"c1\"", "\"id\":[]", "/id" },
    { "\"bundle\":\"/", "\"bundle\":\"", "/bundle" },
    { "\"rootfs\":", "\"other\":", "/rootfs" },
    { "\"bwrap\":\"/usr/bin/", "\"bwrap\":\"", "/bwrap" },
    { "\"owner\":", "\"owner\":-", "/owner" },
    { "\"systemd\"", "\"magic\"", "magic" },
    { "{", "[", "" },
  };
  g_autoptr (ContainerRecord) record = full_record ();
  g_autoptr (GString) line = NULL;

  record->owner.value = 7;
  line = record_format (record);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (line->str);
      g_autoptr (GError) error = NULL;
      ContainerRecord *read;

      g_assert_cmpuint (g_string_replace (text, cases[i].from, cases[i].to, 1), ==, 1);
      read = record_parse (text->str, text->len, ID, &error);
      g_assert_null (read);
      assert_message (error, cases[i].message);
    }
}

static void
test_init_record (void)
{
  static const char *const bad[] = {
    "",
    "\n",
    "1 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4\n",
    "-5 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4\n",
    "4294967297 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4\n",
    "5 x c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4\n",
    "5 2 c62af5a5 3 4\n",
    "5 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3\n",
    "5 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 0\n",
    "5 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4 5\n",
    "5  2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4\n",
    "5 2 c62af5a5-dac8-43c5-902b-efddf4d4a2a6 3 4\n\n",
  };
  g_autofree char *line = NULL;
  InitRecord init, read;

  g_assert_true (init_record_take (getpid (), &init, NULL));
  line = init_record_format (&init);
  g_assert_true (init_record_parse (line, strlen (line), &read, NULL));
  g_assert_cmpint (read.pid, ==, getpid ());
  g_assert_cmpuint (read.start_time, ==, init.start_time);
  g_assert_cmpstr (read.boot_id, ==, init.boot_id);
  g_assert_cmpuint (read.pid_ns, ==, init.pid_ns);
  g_assert_cmpuint (read.mount_ns, ==, init.mount_ns);
  for (gsize length = 0; length < strlen (line); length++)
    {
      g_autofree char *torn = g_strndup (line, length);

      g_assert_false (init_record_parse (torn, length, &read, NULL));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (init_record_parse (bad[i], strlen (bad[i]), &read, NULL));
  g_assert_false (init_record_parse ("5\0 2\n", 5, &read, NULL));
}

/* --- creating and status --- */

static void
test_create (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) in_use = NULL;
  g_autoptr (GError) unfinished = NULL;
  g_autoptr (Container) container = container_create (f->store, ID, NULL);
  g_autoptr (Container) second = container_create (f->store, ID, &in_use);
  g_autoptr (Container) seen = container_open (f->store, ID, NULL);
  struct stat st;

  assert_message (in_use, "container with given ID already exists");
  g_assert_null (second);
  g_assert_cmpint (fstat (container->fd, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0700);
  g_assert_cmpint (container_status (container), ==, CONTAINER_CREATING);
  g_assert_cmpint (container_status (seen), ==, CONTAINER_CREATING);
  g_assert_false (container_check (seen, &unfinished));
  assert_message (unfinished, "container does not exist");

  /* its creator dies */
  g_clear_pointer (&container, container_free);
  g_assert_cmpint (container_status (seen), ==, CONTAINER_BROKEN);
  g_assert_false (container_delete (f->store, ID, FALSE, NULL));
  g_assert_true (container_delete (f->store, ID, TRUE, NULL));
  g_assert_false (exists (f, ID));
}

static void
test_remove (Fixture *f, gconstpointer data)
{
  g_autoptr (Container) container = container_create (f->store, ID, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (container_write (container, CONTAINER_CONFIG_FILE, "{}", 2, NULL));
  put (f, ID "/stray", "");
  g_assert_false (container_remove (container, &error));
  assert_message (error, "not empty");
  g_assert_true (exists (f, ID "/stray"));
  g_assert_cmpint (unlinkat (f->store->fd, ID "/stray", 0), ==, 0);
  g_assert_true (container_remove (container, NULL));
  g_assert_false (exists (f, ID));
}

static void
test_parallel_creates (Fixture *f, gconstpointer data)
{
  pid_t children[20];
  int wins = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    {
      children[i] = fork_child ();
      if (children[i] == 0)
        _exit (container_create (f->store, ID, NULL) != NULL ? 0 : 1);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    wins += proc_reap (children[i]) == 0;
  g_assert_cmpint (wins, ==, 1);
}

/* Creates and forced deletes of one id at once: each of them ends well, or with a plain refusal. */
static void
test_create_against_delete (Fixture *f, gconstpointer data)
{
  pid_t children[4];

  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    {
      children[i] = fork_child ();
      if (children[i] != 0)
        continue;
      for (int round = 0; round < 300; round++)
        {
          g_autoptr (GError) error = NULL;
          Container *container = NULL;

          if (i % 2 == 0)
            container = container_create (f->store, ID, &error);
          else
            (void) container_delete (f->store, ID, TRUE, &error);
          if (container != NULL && !container_remove (container, &error))
            _exit (2);
          g_clear_pointer (&container, container_free);
          if (error != NULL && strstr (error->message, "already exists") == NULL)
            {
              (void) fprintf (stderr, "# %s\n", error->message);
              _exit (1);
            }
        }
      _exit (0);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (children); i++)
    g_assert_cmpint (proc_reap (children[i]), ==, 0);
  g_assert_true (container_delete (f->store, ID, TRUE, NULL));
  g_assert_false (exists (f, ID));
}

/* Who waits for the lock of a container that is being removed finds none. */
static void
test_removed_while_waiting (Fixture *f, gconstpointer data)
{
  g_autoptr (Container) container = container_create (f->store, ID, NULL);
  pid_t child = fork_child ();

  if (child == 0)
    {
      g_autoptr (GError) error = NULL;
      Container *opened;

      fd_clear (&container->fd);
      opened = container_open_locked (f->store, ID, &error);
      _exit (opened == NULL && strcmp (error->message, "container does not exist") == 0 ? 0 : 1);
    }
  g_usleep (50 * 1000);
  g_assert_true (container_remove (container, NULL));
  g_clear_pointer (&container, container_free);
  g_assert_cmpint (proc_reap (child), ==, 0);
}

static void
test_status (Fixture *f, gconstpointer data)
{
  pid_t pid = sleeper ();
  int status;

  record_container (f, ID, pid);
  g_assert_cmpint (status_of (f, ID), ==, CONTAINER_RUNNING);
  (void) kill (pid, SIGKILL);
  while (is_alive (pid))
    g_usleep (1000);
  /* a zombie has stopped */
  g_assert_cmpint (status_of (f, ID), ==, CONTAINER_STOPPED);
  status = proc_reap (pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (status_of (f, ID), ==, CONTAINER_STOPPED);
  g_assert_true (container_delete (f->store, ID, FALSE, NULL));
}

/* The recorded process, but for one word: it is somebody else's. */
static void
test_foreign_process (Fixture *f, gconstpointer data)
{
  pid_t bystander = sleeper ();
  InitRecord init, forged[4];

  record_container (f, ID, bystander);
  g_assert_true (init_record_take (bystander, &init, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (forged); i++)
    forged[i] = init;
  forged[0].start_time++;
  forged[1].boot_id[0] = init.boot_id[0] == 'a' ? 'b' : 'a';
  forged[2].pid = 0x7ffffff0;
  forged[3].pid_ns++;
  for (gsize i = 0; i < G_N_ELEMENTS (forged); i++)
    {
      g_autofree char *line = init_record_format (&forged[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (Container) container = NULL;

      put (f, ID "/init", line);
      g_assert_cmpint (status_of (f, ID), ==, CONTAINER_STOPPED);
      container = container_open (f->store, ID, NULL);
      g_assert_false (container_kill (container, SIGKILL, FALSE, &error));
      assert_message (error, "container not running");
      g_assert_true (container_kill (container, SIGKILL, TRUE, NULL));
    }
  g_assert_true (container_delete (f->store, ID, TRUE, NULL));
  g_assert_true (is_alive (bystander));
  reap (bystander);
}

static void
test_broken (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "", "garbage", "{", "{}", "{\"version\":1}", NULL };

  /* NULL: there is no record at all */
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      pid_t pid = sleeper ();
      g_autoptr (GPtrArray) entries = NULL;
      g_autoptr (GError) error = NULL;
      const ListEntry *entry;

      record_container (f, ID, pid);
      record_container (f, "fine", pid);
      if (texts[i] != NULL)
        put (f, ID "/state.json", texts[i]);
      else
        g_assert_cmpint (unlinkat (f->store->fd, ID "/state.json", 0), ==, 0);
      g_assert_cmpint (status_of (f, ID), ==, CONTAINER_BROKEN);
      entries = list_containers (f->store, NULL);
      g_assert_cmpuint (entries->len, ==, 2);
      entry = g_ptr_array_index (entries, 0);
      g_assert_null (entry->record);
      g_assert_cmpint (entry->status, ==, CONTAINER_BROKEN);
      entry = g_ptr_array_index (entries, 1);
      g_assert_cmpint (entry->status, ==, CONTAINER_RUNNING);
      g_assert_cmpint (entry->pid, ==, pid);

      g_assert_false (container_delete (f->store, ID, FALSE, &error));
      assert_message (error, "--force");
      g_assert_true (is_alive (pid));
      g_assert_true (container_delete (f->store, ID, TRUE, NULL));
      g_assert_false (is_alive (pid));
      g_assert_false (exists (f, ID));
      g_assert_true (container_delete (f->store, "fine", FALSE, NULL));
      reap (pid);
    }
}

static void
test_broken_init (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "", "garbage\n", NULL };
  pid_t pid = sleeper ();

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      record_container (f, ID, pid);
      if (texts[i] != NULL)
        put (f, ID "/init", texts[i]);
      else
        g_assert_cmpint (unlinkat (f->store->fd, ID "/init", 0), ==, 0);
      g_assert_cmpint (status_of (f, ID), ==, CONTAINER_BROKEN);
      g_assert_false (container_delete (f->store, ID, FALSE, NULL));
      g_assert_true (container_delete (f->store, ID, TRUE, NULL));
      g_assert_false (exists (f, ID));
    }
  g_assert_true (is_alive (pid));
  reap (pid);
}

/* --- delete and kill --- */

static void
test_delete (Fixture *f, gconstpointer data)
{
  pid_t pid = sleeper ();
  g_autoptr (GError) running = NULL;
  g_autoptr (GError) unknown = NULL;

  record_container (f, ID, pid);
  g_assert_false (container_delete (f->store, ID, FALSE, &running));
  g_assert_cmpstr (running->message, ==, "cannot delete container c1 that is not stopped: running");
  g_assert_true (is_alive (pid));
  g_assert_true (container_delete (f->store, ID, TRUE, NULL));
  g_assert_false (is_alive (pid));
  g_assert_false (exists (f, ID));
  g_assert_true (container_delete (f->store, ID, TRUE, NULL));
  g_assert_false (container_delete (f->store, ID, FALSE, &unknown));
  g_assert_cmpstr (unknown->message, ==, "container does not exist");
  g_assert_false (container_delete (f->store, "..", TRUE, NULL));
  reap (pid);
}

static void
test_kill (Fixture *f, gconstpointer data)
{
  pid_t pid = sleeper ();
  g_autoptr (Container) container = NULL;
  int status;

  record_container (f, ID, pid);
  container = container_open (f->store, ID, NULL);
  g_assert_true (container_kill (container, 0, FALSE, NULL));
  g_assert_true (container_kill (container, SIGTERM, FALSE, NULL));
  status = proc_reap (pid);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGTERM);
}

/* The first process of a new pid namespace, with two children, one of them in a namespace below;
 * says so on @ready. Each of them ends by SIGTERM with status 3. */
static void
namespace_init (int ready)
{
  char byte = 'x';

  if (unshare (CLONE_NEWPID) == 0 && fork () == 0)
    for (;;)
      pause ();
  if (unshare (CLONE_NEWNS) == 0 && fork () == 0)
    for (;;)
      pause ();
  (void) !write (ready, &byte, 1);
  for (;;)
    pause ();
}

static void
end_with_3 (int signal)
{
  _exit (3);
}

/* Starts namespace_init() as a child; 0 where no namespace can be made. */
static pid_t
start_namespace (void)
{
  pid_t outer, inner = 0;
  int ends[2], pids[2];
  char byte;

  if (pipe (ends) < 0 || pipe (pids) < 0)
    return 0;
  outer = fork_child ();
  if (outer == 0)
    {
      (void) signal (SIGTERM, end_with_3);
      if (unshare (CLONE_NEWUSER | CLONE_NEWPID) < 0)
        _exit (77);
      inner = fork_child ();
      if (inner == 0)
        namespace_init (ends[1]);
      (void) !write (pids[1], &inner, sizeof inner);
      (void) signal (SIGTERM, SIG_DFL);
      while (waitpid (-1, NULL, 0) > 0)
        ;
      _exit (0);
    }
  (void) close (ends[1]);
  (void) close (pids[1]);
  if (read (pids[0], &inner, sizeof inner) != sizeof inner || read (ends[0], &byte, 1) != 1)
    inner = 0;
  (void) close (ends[0]);
  (void) close (pids[0]);
  return inner;
}

static void
test_kill_all (Fixture *f, gconstpointer data)
{
  pid_t pid = start_namespace ();
  g_autoptr (Container) container = NULL;
  g_autoptr (GArray) before = NULL;
  g_autoptr (GArray) after = NULL;

  if (pid <= 0)
    {
      g_test_skip ("no user namespace can be made here");
      return;
    }
  record_container (f, ID, pid);
  container = container_open (f->store, ID, NULL);
  before = processes_list (&container->init, NULL);
  g_assert_cmpuint (before->len, ==, 3);
  g_assert_true (processes_end_with_init (&container->init));
  g_assert_true (container_kill (container, 0, TRUE, NULL));
  g_assert_true (container_kill (container, SIGKILL, TRUE, NULL));
  for (guint i = 0; i < before->len; i++)
    while (is_alive (g_array_index (before, pid_t, i)))
      g_usleep (1000);
  /* who has ended is still there until it is reaped */
  after = processes_list (&container->init, NULL);
  g_assert_true (after == NULL || after->len <= 1);
  g_assert_true (container_delete (f->store, ID, FALSE, NULL));
}

/* --- the gate --- */

/* What the child that is an init answers to "start". */
typedef enum {
  ANSWER_NOTHING,  /* the connection ends: the program runs */
  ANSWER_FAILED,
  ANSWER_DIES,
} Answer;

static void
answer (int connection, Answer how)
{
  struct report report = { .kind = REPORT_FAILED, .code = OP_EXEC, .error = ENOEXEC };

  if (how == ANSWER_DIES)
    _exit (1);
  if (how == ANSWER_FAILED)
    {
      (void) g_strlcpy (report.step, "exec", sizeof report.step);
      (void) g_strlcpy (report.detail, "/bin/x", sizeof report.detail);
      (void) !send (connection, &report, sizeof report, 0);
      _exit (1);
    }
}

/* The waiting init. */
static void
wait_at_gate (int gate, Answer how)
{
  for (;;)
    {
      int connection = accept (gate, NULL, NULL);
      guint32 command = 0;

      if (recv (connection, &command, sizeof command, 0) == sizeof command
          && command == COMMAND_START)
        {
          (void) close (gate);
          answer (connection, how);
          (void) close (connection);
          for (;;)
            pause ();
        }
      (void) close (connection);
    }
}

static pid_t
create_waiting (const Fixture *f, Answer how)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Container) container = container_create (f->store, ID, &error);
  autofd gate = -1;
  pid_t pid;

  g_assert_no_error (error);
  gate = container_gate_listen (container, &error);
  g_assert_no_error (error);
  pid = fork_child ();
  if (pid == 0)
    wait_at_gate (gate, how);
  fill (container->record);
  g_assert_true (container_set_init (container, pid, &error));
  g_assert_true (container_save (container, &error));
  /* the child holds a copy of the descriptor */
  container_unlock (container);
  return pid;
}

static gboolean
start (const Fixture *f, GError **error)
{
  g_autoptr (Container) container = container_open_locked (f->store, ID, error);

  return container != NULL && container_start (container, error);
}

static void
test_start (Fixture *f, gconstpointer data)
{
  pid_t pid = create_waiting (f, ANSWER_NOTHING);
  g_autoptr (GError) again = NULL;
  g_autoptr (GError) stopped = NULL;

  for (int i = 0; i < 100; i++)
    g_assert_cmpint (status_of (f, ID), ==, CONTAINER_CREATED);
  g_assert_true (start (f, NULL));
  g_assert_cmpint (status_of (f, ID), ==, CONTAINER_RUNNING);
  g_assert_false (exists (f, ID "/gate"));
  g_assert_false (start (f, &again));
  g_assert_cmpstr (again->message, ==, "cannot start an already running container");
  reap (pid);
  g_assert_false (start (f, &stopped));
  g_assert_cmpstr (stopped->message, ==, "cannot start a container that has stopped");
  g_assert_true (container_delete (f->store, ID, FALSE, NULL));
}

/* A start that dies before it removes the gate leaves a running container all the same. */
static void
test_start_dies (Fixture *f, gconstpointer data)
{
  pid_t pid = create_waiting (f, ANSWER_NOTHING);
  g_autoptr (Container) container = container_open (f->store, ID, NULL);
  g_autoptr (GError) error = NULL;
  guint32 command = COMMAND_START;
  autofd socket = -1;
  char byte;

  g_assert_true (container_gate_connect (container, &socket, NULL));
  g_assert_cmpint (send (socket, &command, sizeof command, 0), ==, sizeof command);
  g_assert_cmpint (recv (socket, &byte, 1, 0), ==, 0);
  g_assert_true (exists (f, ID "/gate"));
  g_assert_cmpint (status_of (f, ID), ==, CONTAINER_RUNNING);
  g_assert_false (container_delete (f->store, ID, FALSE, NULL));
  g_assert_false (start (f, &error));
  g_assert_cmpstr (error->message, ==, "cannot start an already running container");
  g_assert_true (container_delete (f->store, ID, TRUE, NULL));
  reap (pid);
}

static void
test_start_fails (Fixture *f, gconstpointer data)
{
  pid_t pid = create_waiting (f, ANSWER_FAILED);
  g_autoptr (GError) error = NULL;

  g_assert_false (start (f, &error));
  g_assert_cmpstr (error->message, ==, "exec /bin/x: exec format error");
  (void) proc_reap (pid);
  g_assert_cmpint (status_of (f, ID), ==, CONTAINER_STOPPED);
  g_assert_true (container_delete (f->store, ID, FALSE, NULL));
}

static void
test_delete_created (Fixture *f, gconstpointer data)
{
  pid_t pid = create_waiting (f, ANSWER_NOTHING);

  g_assert_true (container_delete (f->store, ID, FALSE, NULL));
  g_assert_false (is_alive (pid));
  g_assert_false (exists (f, ID));
  reap (pid);
}

/* --- words --- */

static void
test_report (void)
{
  static const struct {
    struct report report;
    const char *pointer;
    const char *what;
    const char *message;
  } cases[] = {
    { { .code = OP_PROGRAM, .error = ENOENT, .step = "stat", .detail = "/bin/x" },
      "/process/args/0", "find it", "exec: \"/bin/x\": stat /bin/x: no such file or directory" },
    { { .code = OP_PROGRAM, .error = EACCES, .step = "", .detail = "/bin/x" }, "/process/args/0",
      "find it", "exec: \"/bin/x\": permission denied" },
    { { .code = OP_PROGRAM, .step = "executable file not found in $PATH", .detail = "x" },
      "/process/args/0", "find it", "exec: \"x\": executable file not found in $PATH" },
    { { .code = OP_EXEC, .error = ENOENT, .step = "exec", .detail = "/bin/x" }, "/process/args",
      "run it", "exec /bin/x: no such file or directory" },
    { { .code = OP_MOUNT, .error = EPERM, .step = "fsmount", .detail = "/tmp" }, "/mounts/3",
      "mount tmpfs on /tmp",
      "config.json: /mounts/3: mount tmpfs on /tmp: fsmount: /tmp: Operation not permitted" },
    { { .code = OP_PIVOT, .error = EINVAL, .step = "pivot_root", .detail = "" }, "",
      "enter the root", "enter the root: pivot_root: Invalid argument" },
    { { .code = OP_CONSOLE, .step = "no devpts", .detail = "a\nb" }, NULL, NULL,
      "no devpts: a\\x0ab" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (
          report_to_error (&cases[i].report, cases[i].pointer, cases[i].what, &error));
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (name, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/ids", test_ids);
  g_test_add_func ("/store/locate", test_locate);
  add ("/store/root", test_root);
  add ("/store/strays", test_strays);
  g_test_add_func ("/record/round-trip", test_record);
  g_test_add_func ("/record/alien", test_alien_records);
  g_test_add_func ("/record/init", test_init_record);
  add ("/container/create", test_create);
  add ("/container/remove", test_remove);
  add ("/container/parallel-creates", test_parallel_creates);
  add ("/container/create-against-delete", test_create_against_delete);
  add ("/container/removed-while-waiting", test_removed_while_waiting);
  add ("/container/status", test_status);
  add ("/container/foreign-process", test_foreign_process);
  add ("/container/broken-record", test_broken);
  add ("/container/broken-init", test_broken_init);
  add ("/container/delete", test_delete);
  add ("/container/kill", test_kill);
  add ("/container/kill-all", test_kill_all);
  add ("/gate/start", test_start);
  add ("/gate/start-dies", test_start_dies);
  add ("/gate/start-fails", test_start_fails);
  add ("/gate/delete-created", test_delete_created);
  g_test_add_func ("/report/words", test_report);
  return g_test_run ();
}
