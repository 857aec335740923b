/* The table of fuzz targets; see fuzz.h. */
#include "config.h"

#include "fuzz.h"

#include <string.h>

const FuzzTarget fuzz_targets[] = {
  { "config", fuzz_config, "config.json to a plan and the init's instructions" },
  { "process", fuzz_process, "the process of exec --process to its plan" },
  { "filter", fuzz_filter, "linux.seccomp to a program, against the rules" },
  { "ops", fuzz_ops, "the init's instructions" },
  { "report", fuzz_report, "what comes from the init" },
  { "passwd", fuzz_passwd, "the user database of an image" },
  { "record", fuzz_record, "what is on record about a container" },
  { "subid", fuzz_subid, "subuid and subgid files" },
  { "words", fuzz_words, "ids, signals, users" },
  { "options", fuzz_options, "mount options" },
  { "walk", fuzz_walk, "paths in a hostile tree, against the kernel" },
  { .name = NULL },
};

const FuzzTarget *
fuzz_find (const char *name)
{
  for (const FuzzTarget *target = fuzz_targets; target->name != NULL; target++)
    if (strcmp (target->name, name) == 0)
      return target;
  return NULL;
}

void
fuzz_check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, !=, "");
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  for (const char *c = error->message; *c != '\0'; c = g_utf8_next_char (c))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (c)));
}
