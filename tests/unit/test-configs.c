/* Recorded configurations are read, made-up broken ones are refused with the words they are to be
 * refused with. */
#include "config.h"

#include "json/parse.h"
#include "spec/spec.h"

#include <glib/gstdio.h>
#include <string.h>

static char *
data_file (const char *folder, const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "tests", "data", folder, name, NULL);
}

/* A name of a host's path is put where an absolute path belongs. */
static char *
read_config (const char *path)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) config = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  config = g_string_new (text);
  g_string_replace (config, "\"@", "\"/@", 0);
  return g_string_free (g_steal_pointer (&config), FALSE);
}

static void
test_recorded (gconstpointer data)
{
  const char *name = data;
  g_autofree char *path = data_file ("configs", name);
  g_autofree char *text = read_config (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = NULL;
  g_autoptr (OciProcess) process = NULL;
  g_autoptr (OciResources) resources = NULL;

  if (g_str_has_prefix (name, "process-"))
    process = oci_process_parse (text, strlen (text), name, NULL, &error);
  else if (g_str_has_prefix (name, "resources-"))
    resources = oci_resources_parse (text, strlen (text), name, NULL, &error);
  else
    spec = oci_spec_parse (text, strlen (text), name, &error);
  g_assert_no_error (error);
  g_assert_true (spec != NULL || process != NULL || resources != NULL);
}

/* What was seen with configurations that old and new clients write. */
static void
test_atomic (void)
{
  g_autofree char *path = data_file ("configs", "atomic-user-hello-world.json");
  g_autofree char *text = read_config (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = oci_spec_parse (text, strlen (text), "config.json", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (spec->oci_version, ==, "0.3.0");
  g_assert_cmpint (spec->linux_->seccomp->default_action, ==, -1);
  g_assert_null (spec->linux_->devices);
  g_assert_null (oci_notes_refused (spec->notes));
  for (guint i = 0; i < spec->notes->len; i++)
    g_assert_true (((FieldNote *) g_ptr_array_index (spec->notes, i))->unknown);
}

/* Whether a case of the index has to be refused by the reader already. */
typedef enum {
  READ,
  REFUSED,
  EITHER,
} Outcome;

static Outcome
expected_outcome (const char *file, const char *class, const JsonValue *statuses)
{
  static const char *const refused[] = { "PARSE", "TYPE", "VALUE", "MISSING", "IDMAP", NULL };

  for (guint32 i = 0; i < statuses->length; i++)
    if (statuses->items[i].natural == 0 && strcmp (class, "OK") != 0)
      return EITHER;
  if (strcmp (file, "069-terminal-nosocket.json") == 0)  /* is about an option */
    return READ;
  if (strcmp (class, "PATH") == 0)
    return EITHER;
  return g_strv_contains (refused, class) ? REFUSED : READ;
}

static gboolean
has_word (const char *message, const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, "|", -1);
  g_autofree char *lower = g_ascii_strdown (message, -1);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_autofree char *word = g_ascii_strdown (list[i], -1);

      if (strstr (lower, word) != NULL)
        return TRUE;
    }
  return FALSE;
}

static const char *
string_member (const JsonValue *entry, const char *key)
{
  return json_value_member (entry, key)->string;
}

static void
check_broken (const char *folder, const JsonValue *entry)
{
  const char *file = string_member (entry, "file");
  Outcome outcome = expected_outcome (file, string_member (entry, "class"),
                                      json_value_member (entry, "rc"));
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = NULL;
  gsize length;

  g_test_message ("%s", file);
  g_file_get_contents (path, &text, &length, &error);
  g_assert_no_error (error);
  spec = oci_spec_parse (text, length, "config.json", &error);
  g_assert_true ((spec == NULL) == (error != NULL));
  g_assert_true (outcome == EITHER || (outcome == REFUSED) == (spec == NULL));
  if (spec != NULL)
    return;
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, "config.json: "));
  g_assert_null (strchr (error->message, '\n'));
  if (outcome == REFUSED)
    g_assert_true (has_word (error->message, string_member (entry, "expect")));
}

static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* Runs the generator into @folder; FALSE if there is no Python. */
static gboolean
generate (const char *folder)
{
  g_autofree char *generator = data_file ("badconfigs", "gen.py");
  char *argv[] = { (char *) "python3", generator, (char *) folder, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                     NULL, NULL, &status, &error))
    {
      g_test_skip ("no python3");
      return FALSE;
    }
  g_assert_true (g_spawn_check_wait_status (status, &error));
  return TRUE;
}

static void
test_broken (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("badconfigs-XXXXXX", &error);
  g_autofree char *index_path = g_build_filename (folder, "index.json", NULL);
  g_autofree char *index = NULL;
  g_autofree char *wrapped = NULL;
  g_autoptr (JsonText) text = NULL;
  const JsonValue *list;

  g_assert_no_error (error);
  if (generate (folder))
    {
      g_file_get_contents (index_path, &index, NULL, &error);
      g_assert_no_error (error);
      wrapped = g_strdup_printf ("{\"list\":%s}", index);
      text = json_text_parse (wrapped, strlen (wrapped), &error);
      g_assert_no_error (error);
      list = json_value_member (json_text_root (text), "list");
      g_assert_cmpuint (list->length, >, 50);
      for (guint32 i = 0; i < list->length; i++)
        check_broken (folder, &list->items[i]);
    }
  remove_folder (folder);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_test_init (&argc, &argv, NULL);
  folder = data_file ("configs", "");
  dir = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".json"))
      {
        g_autofree char *path = g_strdup_printf ("/configs/recorded/%s", name);

        g_ptr_array_add (names, g_strdup (name));
        g_test_add_data_func (path, g_ptr_array_index (names, names->len - 1), test_recorded);
      }
  g_test_add_func ("/configs/atomic", test_atomic);
  g_test_add_func ("/configs/broken", test_broken);
  return g_test_run ();
}
