/* What becomes of newuidmap and newgidmap, whose place scripts take. */
#include "config.h"

#include "run/idmap.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

typedef struct {
  const char *name;
  const char *script;   /* in the place of newuidmap */
  const char *message;  /* NULL: success */
} Case;

static const Case cases[] = {
  { "it writes the map", "exit 0", NULL },
  { "it says why not", "echo 'newuidmap: not today' >&2; echo more >&2; exit 1",
    "newuidmap: not today" },
  { "it says nothing", "exit 3", "newuidmap: exited with 3" },
  { "it is killed", "kill -KILL $$", "newuidmap: killed by signal 9" },
  { "its arguments", "echo \"$*\" >&2; exit 1", "newuidmap: 1 0 1000 1 1 5000 9" },
};

static char *
write_script (const char *directory, const char *script)
{
  char *path = g_build_filename (directory, "tool", NULL);
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\n%s\n", script);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  return path;
}

static void
begin (IdMapWriter *writer, const char *tool)
{
  const IdMapLine lines[] = { { 0, 1000, 1 }, { 1, 5000, 9 } };
  g_autoptr (GArray) map = g_array_new (FALSE, FALSE, sizeof (IdMapLine));
  Plan plan = { .maps = MAPS_TOOLS, .uid_map = map, .gid_map = map };
  MachineFacts machine = { .newuidmap.path = (char *) tool,
                           .newgidmap.path = (char *) "/bin/true" };

  g_array_append_vals (map, lines, G_N_ELEMENTS (lines));
  g_assert_true (idmap_begin (writer, &plan, &machine, 1, NULL));
}

static void
test_outcome (gconstpointer data)
{
  const Case *given = data;
  g_autofree char *directory = g_dir_make_tmp ("idmap-XXXXXX", NULL);
  g_autofree char *tool = write_script (directory, given->script);
  g_auto (IdMapWriter) writer = IDMAP_WRITER_INIT;
  g_autoptr (GError) error = NULL;

  begin (&writer, tool);
  g_assert_true (idmap_finish (&writer, &error) == (given->message == NULL));
  if (given->message != NULL)
    g_assert_cmpstr (error->message, ==, given->message);
  g_assert_cmpint (g_unlink (tool), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

/* Nobody waits for one that hangs when all has failed anyway. */
static void
test_clear (void)
{
  g_autofree char *directory = g_dir_make_tmp ("idmap-XXXXXX", NULL);
  g_autofree char *tool = write_script (directory, "exec sleep 1000");
  g_auto (IdMapWriter) writer = IDMAP_WRITER_INIT;
  pid_t pid;

  begin (&writer, tool);
  pid = writer.pids[0];
  g_assert_cmpint (kill (pid, 0), ==, 0);
  idmap_clear (&writer);
  g_assert_cmpint (kill (pid, 0), <, 0);
  g_assert_cmpint (g_unlink (tool), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/idmap/tool/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_outcome);
    }
  g_test_add_func ("/idmap/clear", test_clear);
  return g_test_run ();
}
