/* Small texts: records, subuid files, words of the command line, mount options. What is accepted
 * is written again and read again, and must be the same. */
#include "config.h"

#include "fuzz.h"
#include "host/subid.h"
#include "plan/mounts.h"
#include "plan/overlay.h"
#include "run/exec_process.h"
#include "run/record.h"
#include "run/store.h"

#include <signal.h>
#include <string.h>

/* --- records ------------------------------------------------------------------------------- */

static void
check_state (const char *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ContainerRecord) record = record_parse (data, size, "c1", &error);
  g_autoptr (ContainerRecord) again = NULL;
  g_autoptr (GString) text = NULL, same = NULL;

  if (record == NULL)
    {
      fuzz_check_error (error);
      return;
    }
  g_assert_cmpstr (record->id, ==, "c1");
  g_assert_true (g_path_is_absolute (record->bundle) && g_path_is_absolute (record->rootfs));
  text = record_format (record);
  again = record_parse (text->str, text->len, "c1", &error);
  g_assert_no_error (error);
  same = record_format (again);
  g_assert_cmpstr (same->str, ==, text->str);
}

static void
check_init (const char *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strndup (data, size);  /* as read from a file, with a NUL behind it */
  g_autofree char *written = NULL;
  InitRecord record = { 0 }, again = { 0 };

  memcpy (text, data, size);
  if (!init_record_parse (text, size, &record, &error))
    {
      fuzz_check_error (error);
      return;
    }
  g_assert_cmpint (record.pid, >, 1);
  written = init_record_format (&record);
  g_assert_true (init_record_parse (written, strlen (written), &again, &error));
  g_assert_cmpmem (&record, sizeof record, &again, sizeof again);
}

/* Either of the two files. */
void
fuzz_record (const char *data, gsize size)
{
  check_state (data, size);
  check_init (data, size);
}

/* --- sub-ids ------------------------------------------------------------------------------- */

static void
check_ranges (const GArray *ranges)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);

      g_assert_cmpuint (range->count, >, 0);
      g_assert_cmpuint ((guint64) range->first + range->count, <=, G_MAXUINT32);
    }
}

void
fuzz_subid (const char *data, gsize size)
{
  g_autoptr (GArray) ranges = g_array_new (FALSE, FALSE, sizeof (IdRange));
  g_autoptr (GArray) map = g_array_new (FALSE, FALSE, sizeof (IdRange));
  IdRange low = { .inside = 0, .first = 1000, .count = 1 };
  IdRange high = { .inside = 100000, .first = 100000, .count = G_MAXUINT32 - 100000 };

  subid_parse (data, size, "alice", 1000, ranges);
  check_ranges (ranges);
  g_array_append_val (map, low);
  g_array_append_val (map, high);
  subid_clip (ranges, map);
  check_ranges (ranges);
  for (guint i = 0; i < ranges->len; i++)
    g_assert_true (g_array_index (ranges, IdRange, i).first >= 100000
                   || g_array_index (ranges, IdRange, i).first == 0);
}

/* --- words --------------------------------------------------------------------------------- */

static void
check_id (const char *word)
{
  g_autoptr (GError) error = NULL;

  if (!store_check_id (word, &error))
    {
      fuzz_check_error (error);
      return;
    }
  g_assert_cmpuint (strlen (word), <=, 240);
  g_assert_null (strchr (word, '/'));
  g_assert_true (g_ascii_isalnum (*word) || *word == '_');
  g_assert_true (g_str_is_ascii (word));
}

static void
check_signal (const char *word)
{
  int number = name_to_signal (word);
  g_autofree char *text = g_strdup_printf ("%d", number);
  g_autofree char *prefixed = g_strconcat ("sig", word, NULL);

  g_assert_cmpint (number, >=, -1);
  g_assert_cmpint (number, <=, SIGRTMAX);
  if (number < 0)
    return;
  g_assert_cmpint (name_to_signal (text), ==, number);
  if (g_ascii_isalpha (*word) && g_ascii_strncasecmp (word, "sig", 3) != 0)
    g_assert_cmpint (name_to_signal (prefixed), ==, number);
}

/* "exec --user": the numbers that were written and no others. */
static void
check_user (char *word)
{
  static const char container[] = "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
                                  "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]}}";
  g_autoptr (OciSpec) spec = oci_spec_parse (container, strlen (container), "config.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (OciProcess) process = NULL;
  g_autofree char *text = NULL;
  char *args[] = { (char *) "a", NULL };
  ExecRequest request = { .args = args, .user = word };

  process = exec_process (spec, &request, &error);
  if (process == NULL)
    {
      fuzz_check_error (error);
      return;
    }
  text = process->user->gid.set
           ? g_strdup_printf ("%u:%u", process->user->uid.value, process->user->gid.value)
           : g_strdup_printf ("%u", process->user->uid.value);
  g_assert_cmpstr (text, ==, word);
}

void
fuzz_words (const char *data, gsize size)
{
  g_autofree char *word = g_strndup (data, size);

  check_id (word);
  check_signal (word);
  check_user (word);
}

/* --- mount options ------------------------------------------------------------------------- */

static void
check_options (const MountOptions *options)
{
  g_autoptr (GPtrArray) folders = overlay_folders (options->data);
  g_autoptr (GPtrArray) staged = overlay_stage (options->data, 7);

  g_assert_cmphex (options->set & options->clear, ==, 0);
  /* what a bind is given for the file system it already has would be lost */
  g_assert_true (!options->bind || options->data->len == 0);
  for (guint i = 0; i < folders->len; i++)
    g_assert_nonnull (g_ptr_array_index (folders, i));
  g_assert_cmpuint (staged->len, ==, options->data->len);
}

/* The type on the first line, an option on each of the others. */
void
fuzz_options (const char *data, gsize size)
{
  g_autofree char *text = g_strndup (data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  OciMount mount = { .destination = (char *) "/d" };
  g_auto (MountOptions) options = { 0 };
  g_autoptr (GError) error = NULL;

  if (lines[0] == NULL)
    return;
  mount.type = lines[0];
  mount.options = lines + 1;
  if (mount_options_read (&mount, "/mounts/0", &options, &error))
    check_options (&options);
  else
    fuzz_check_error (error);
}
