/* config.json: read, checked, planned, encoded, printed; and the process of an exec. */
#include "config.h"

#include "../plan/world.h"
#include "fuzz.h"
#include "init/stream.h"
#include "plan/initops.h"
#include "plan/plain.h"
#include "plan/print.h"

#include <string.h>

#define ARGUMENTS_MAX 9000  /* what bwrap takes */

/* The machines to plan for; the length of the input says which, so that a space at its end leads
 * to another. */
static const char *const machines[] = {
  "usual", "cgroup-v1", "ids-one", "limits-unable", "new-privileges-root", "bwrap-no-bind-fd",
};

static World *
find_world (gsize number)
{
  static World *worlds[G_N_ELEMENTS (machines)];

  if (worlds[number] == NULL)
    worlds[number] = world_read (machines[number]);
  return worlds[number];
}

/* --- bwrap's arguments --------------------------------------------------------------------- */

/* Each word behind an option: 's' a slot, 'p' a path of the host or a slot, 'd' a destination of
 * ours, else the word itself. */
static const struct {
  const char *option;
  const char *words[2];
} known[] = {
  { "--unshare-user", { NULL } },   { "--unshare-pid", { NULL } },
  { "--unshare-ipc", { NULL } },    { "--unshare-uts", { NULL } },
  { "--unshare-net", { NULL } },    { "--unshare-cgroup", { NULL } },
  { "--as-pid-1", { NULL } },       { "--no-reaper", { NULL } },
  { "--userns-block-fd", { "s" } }, { "--info-fd", { "s" } },
  { "--cap-add", { "ALL" } },       { "--chdir", { "/" } },
  { "--proc", { "d" } },            { "--dev-bind", { "p", "d" } },
  { "--bind", { "p", "d" } },       { "--ro-bind", { "p", "d" } },
  { "--bind-fd", { "s", "d" } },    { "--ro-bind-fd", { "s", "d" } },
};

/* Nothing but the fixed names: whatever the image and the configuration are like. */
static gboolean
is_our_destination (const char *path)
{
  static const char *const fixed[] = { "/r", "/s/proc", "/s/dev", "/s/sys", "/s/cgroup", "/init",
                                       NULL };
  const char *rest = path;

  if (g_strv_contains (fixed, path))
    return TRUE;
  if (!g_str_has_prefix (path, "/s/"))
    return FALSE;
  rest += strlen (g_str_has_prefix (path, "/s/of-") ? "/s/of-" : "/s/");
  return *rest != '\0' && strspn (rest, "0123456789") == strlen (rest);
}

static gboolean
fits (const PlanWord *word, const char *wanted)
{
  if (strcmp (wanted, "s") == 0)
    return word->text == NULL;
  if (strcmp (wanted, "p") == 0)
    return word->text == NULL || *word->text == '/';
  if (strcmp (wanted, "d") == 0)
    return word->text != NULL && is_our_destination (word->text);
  return g_strcmp0 (word->text, wanted) == 0;
}

/* The option at @i with what belongs to it. Returns where the next one is. */
static guint
check_option (const GPtrArray *words, guint i)
{
  const PlanWord *word = g_ptr_array_index (words, i++);
  gsize k = 0;

  while (k < G_N_ELEMENTS (known) && g_strcmp0 (word->text, known[k].option) != 0)
    k++;
  g_assert_cmpuint (k, <, G_N_ELEMENTS (known));
  for (gsize n = 0; n < 2 && known[k].words[n] != NULL; n++, i++)
    {
      g_assert_cmpuint (i, <, words->len);
      g_assert_true (fits (g_ptr_array_index (words, i), known[k].words[n]));
    }
  return i;
}

static void
check_words (const GPtrArray *words)
{
  g_assert_cmpuint (words->len, <=, ARGUMENTS_MAX);
  for (guint i = 0; i < words->len;)
    i = check_option (words, i);
}

/* --- the init's instructions ---------------------------------------------------------------- */

static void
check_ops (const Plan *plan)
{
  /* in the place of a filter, which has a target of its own */
  g_autoptr (GBytes) program = g_bytes_new_static ("12345678", 8);
  g_autoptr (GByteArray) block = plan_encode (plan, program, 0);
  struct stream stream;
  struct op op;

  g_assert_true (stream_open (&stream, block->data, block->len));
  for (guint i = 0; i < plan->ops->len; i++)
    {
      const PlanOp *planned = g_ptr_array_index (plan->ops, i);

      g_assert_cmpint (stream_next (&stream, &op), ==, 1);
      g_assert_cmpuint (op.header->code, ==, planned->code);
      g_assert_cmpuint (op.header->row, <, plan->rows->len);
      for (guint s = 0; s < planned->strings->len; s++)
        g_assert_cmpstr (op_string (&op, s), ==, g_ptr_array_index (planned->strings, s));
    }
  g_assert_cmpint (stream_next (&stream, &op), ==, 0);
}

/* What --dry-run prints is JSON by the strict reader, too. */
static void
check_printed (const Plan *plan, const HostFacts *facts, const PlanOptions *options)
{
  g_autoptr (GString) json = plan_format_json (plan);
  g_autoptr (JsonText) text = json_text_parse (json->str, json->len, NULL);
  g_autoptr (GString) words = plan_format_text (plan, facts, options);
  g_autoptr (GString) notes = plan_format_notes (plan);

  g_assert_nonnull (text);
  g_assert_nonnull (words);
  g_assert_nonnull (notes);
}

/* --- the targets --------------------------------------------------------------------------- */

static void
check_plain (const OciSpec *spec, const HostFacts *facts)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Plain) plain = plain_new (spec, facts, &error);

  if (plain == NULL)
    fuzz_check_error (error);
}

void
fuzz_config (const char *data, gsize size)
{
  World *world = find_world (size % G_N_ELEMENTS (machines));
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = oci_spec_parse (data, size, "config.json", &error);
  g_autoptr (HostFacts) facts = NULL;
  g_autoptr (Plan) plan = NULL;
  PlanOptions options;

  if (spec == NULL || !world_complete (world, spec, &error))
    {
      fuzz_check_error (error);
      return;
    }
  facts = world_facts (world, spec);
  world_options (world, &options);
  plan = plan_new (spec, facts, &options, &error);
  if (plan != NULL)
    {
      check_words (plan->words);
      check_ops (plan);
      check_printed (plan, facts, &options);
    }
  else
    fuzz_check_error (error);
  check_plain (spec, facts);
}

void
fuzz_process (const char *data, gsize size)
{
  static const char container[] = "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"}}";
  g_autoptr (OciSpec) spec = oci_spec_parse (container, strlen (container), "config.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (OciProcess) process = oci_process_parse (data, size, "process.json", NULL, &error);
  IdMapLine line = { 0, 100000, 65536 };
  g_autoptr (GArray) map = g_array_new (FALSE, FALSE, sizeof line);
  ExecFacts facts = { .uid_map = map, .gid_map = map, .last_capability = 40,
                      .joins_pid_ns = TRUE, .modules = { TRUE, TRUE } };
  g_autoptr (Plan) plan = NULL;
  PlanOptions options;

  g_array_append_val (map, line);
  world_options (find_world (0), &options);
  if (process != NULL)
    plan = plan_exec_new (spec, process, &facts, &options, &error);
  if (plan != NULL)
    check_ops (plan);
  else
    fuzz_check_error (error);
}
