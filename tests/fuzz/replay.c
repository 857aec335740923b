/* The inputs below seeds/ through their targets: what was once found stays found, in any build. */
#include "config.h"

#include "fuzz.h"

static void
test_seed (gconstpointer data)
{
  const char *path = data;
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (folder);
  g_autofree char *text = NULL;
  g_autofree char *exact = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_file_get_contents (path, &text, &length, &error);
  g_assert_no_error (error);
  /* nothing behind its end, so that a sanitizer sees a step too far */
  exact = length > 0 ? g_memdup2 (text, length) : g_malloc (1);
  fuzz_find (name)->function (exact, length);
}

static void
add_seeds (const FuzzTarget *target)
{
  g_autofree char *folder = g_test_build_filename (G_TEST_DIST, "tests", "fuzz", "seeds",
                                                   target->name, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint count = 0;

  if (dir == NULL)
    g_error ("no seeds for %s", target->name);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/fuzz/%s/%s", target->name, name);

      g_test_add_data_func_full (path, g_build_filename (folder, name, NULL), test_seed, g_free);
      count++;
    }
  if (count == 0)
    g_error ("no seeds for %s", target->name);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (const FuzzTarget *target = fuzz_targets; target->name != NULL; target++)
    add_seeds (target);
  return g_test_run ();
}
