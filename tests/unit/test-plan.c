/* What holds for every plan, checked on all golden ones; and edges that a golden file would be too
 * large for. */
#include "config.h"

#include "../plan/world.h"
#include "init/ops.h"
#include "json/parse.h"
#include "plan/initops.h"
#include "plan/mounts.h"
#include "plan/print.h"

#include <string.h>

typedef void PlanCheck (const Case *golden, const Plan *plan);

/* Calls @check for each plan that the golden cases have. */
static void
each_plan (PlanCheck check)
{
  g_autoptr (GPtrArray) names = case_names ();
  guint plans = 0;

  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (Case) golden = case_read (g_ptr_array_index (names, i), NULL);
      g_autoptr (Plan) plan = NULL;

      if (golden != NULL)
        plan = plan_new (golden->spec, golden->facts, &golden->options, NULL);
      /* in the plain mode bwrap is told all that the init does otherwise */
      if (plan == NULL || plan->plain)
        continue;
      g_test_message ("%s", (const char *) g_ptr_array_index (names, i));
      check (golden, plan);
      plans++;
    }
  g_assert_cmpuint (plans, >, 50);
}

/* --- bwrap's arguments ----------------------------------------------------- */

/* What bwrap may be told, and how many words follow. None of it says how to go on where
 * something cannot be had, and none makes anything at a path of the image. */
static const struct {
  const char *name;
  guint arguments;
} allowed_options[] = {
  { "--unshare-user", 0 },  { "--unshare-pid", 0 },     { "--unshare-ipc", 0 },
  { "--unshare-uts", 0 },   { "--unshare-net", 0 },     { "--unshare-cgroup", 0 },
  { "--as-pid-1", 0 },      { "--no-reaper", 0 },       { "--userns-block-fd", 1 },
  { "--info-fd", 1 },       { "--cap-add", 1 },         { "--chdir", 1 },
  { "--bind", 2 },          { "--ro-bind", 2 },         { "--dev-bind", 2 },
  { "--bind-fd", 2 },       { "--ro-bind-fd", 2 },      { "--proc", 1 },
};

static guint
count_arguments (const char *option)
{
  for (gsize i = 0; i < G_N_ELEMENTS (allowed_options); i++)
    if (strcmp (allowed_options[i].name, option) == 0)
      return allowed_options[i].arguments;
  g_error ("bwrap must not be told %s", option);
}

/* Whether @path is one of the names that we give to things in bwrap's own root. */
static gboolean
is_own_name (const char *path)
{
  static const char *const fixed[] = { "/r", "/init", "/s/proc", "/s/dev", "/s/sys", "/s/cgroup",
                                       NULL };

  if (g_strv_contains (fixed, path))
    return TRUE;
  /* the N of "/s/N", "/s/of-N" or "/s/layer-N" */
  if (g_str_has_prefix (path, "/s/of-"))
    path += strlen ("/s/of-");
  else if (g_str_has_prefix (path, "/s/layer-"))
    path += strlen ("/s/layer-");
  else if (g_str_has_prefix (path, "/s/"))
    path += strlen ("/s/");
  else
    return FALSE;
  return *path != '\0' && path[strspn (path, "0123456789")] == '\0';
}

static const PlanWord *
word_at (const Plan *plan, guint i)
{
  g_assert_cmpuint (i, <, plan->words->len);
  return g_ptr_array_index (plan->words, i);
}

static void
check_words (const Case *golden, const Plan *plan)
{
  g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);

  (void) golden;
  for (guint i = 0; i < plan->words->len;)
    {
      const char *option = word_at (plan, i)->text;
      guint arguments;

      g_assert_nonnull (option);
      arguments = count_arguments (option);
      if (strstr (option, "bind") != NULL || strcmp (option, "--proc") == 0)
        {
          const char *target = word_at (plan, i + arguments)->text;

          g_assert_nonnull (target);
          g_assert_true (is_own_name (target));
          g_assert_true (g_hash_table_add (targets, (gpointer) target));
        }
      if (strcmp (option, "--chdir") == 0)
        g_assert_cmpstr (word_at (plan, i + 1)->text, ==, "/");
      i += 1 + arguments;
    }
}

static void
test_words (void)
{
  each_plan (check_words);
}

/* --- the init's instructions ----------------------------------------------- */

/* The stages that instructions belong to; they never go back. */
typedef enum {
  STAGE_START = 1,
  STAGE_PLACE,     /* below the root, from outside */
  STAGE_HOOKS,     /* the runtime's look at what is placed */
  STAGE_PIVOT,
  STAGE_PREPARE,   /* inside: may fail, and then create fails */
  STAGE_READY,
  STAGE_RESTRICT,  /* nothing of the image has run before this */
  STAGE_PROGRAM,
} Stage;

static const Stage stages[OP_CODE_N] = {
  [OP_BECOME_ROOT] = STAGE_START,
  [OP_LAYERS] = STAGE_PLACE,
  [OP_ROOT] = STAGE_PLACE,          [OP_BIND] = STAGE_PLACE,
  [OP_MOUNT] = STAGE_PLACE,         [OP_DEVICE] = STAGE_PLACE,
  [OP_FIFO] = STAGE_PLACE,          [OP_SYMLINK] = STAGE_PLACE,
  [OP_MASK] = STAGE_PLACE,          [OP_READONLY] = STAGE_PLACE,
  [OP_NET_DEVICES] = STAGE_PLACE,
  [OP_SYSCTL] = STAGE_PLACE,        [OP_HOSTNAME] = STAGE_PLACE,
  [OP_DOMAINNAME] = STAGE_PLACE,    [OP_OOM_SCORE_ADJ] = STAGE_PLACE,
  [OP_CONSOLE] = STAGE_PLACE,       [OP_NOTIFY] = STAGE_PLACE,
  [OP_LABEL] = STAGE_PLACE,
  [OP_HOOKS] = STAGE_HOOKS,         [OP_PIVOT] = STAGE_PIVOT,
  [OP_DIRECTORY] = STAGE_PIVOT,
  [OP_ROOT_READONLY] = STAGE_PIVOT, [OP_KEYRING] = STAGE_PREPARE,
  [OP_AFFINITY] = STAGE_PREPARE,
  [OP_SCHEDULER] = STAGE_PREPARE,   [OP_IO_PRIORITY] = STAGE_PREPARE,
  [OP_PERSONALITY] = STAGE_PREPARE, [OP_MEMORY_POLICY] = STAGE_PREPARE,
  [OP_RLIMIT] = STAGE_PREPARE,      [OP_GROUPS] = STAGE_PREPARE,
  [OP_CWD] = STAGE_PREPARE,         [OP_PROGRAM] = STAGE_PREPARE,
  [OP_HOME] = STAGE_PREPARE,        [OP_READY] = STAGE_READY,
  [OP_IDS] = STAGE_RESTRICT,        [OP_CAPABILITIES] = STAGE_RESTRICT,
  [OP_NO_NEW_PRIVS] = STAGE_RESTRICT, [OP_SECCOMP] = STAGE_RESTRICT,
  [OP_ARGUMENTS] = STAGE_PROGRAM,   [OP_ENVIRONMENT] = STAGE_PROGRAM,
  [OP_HOOK] = STAGE_PROGRAM,        [OP_EXEC] = STAGE_PROGRAM,
};

static guint
count_ops (const Plan *plan, guint32 code)
{
  guint n = 0;

  for (guint i = 0; i < plan->ops->len; i++)
    n += ((const PlanOp *) g_ptr_array_index (plan->ops, i))->code == code;
  return n;
}

static guint
index_of (const Plan *plan, guint32 code)
{
  for (guint i = 0; i < plan->ops->len; i++)
    if (((const PlanOp *) g_ptr_array_index (plan->ops, i))->code == code)
      return i;
  return G_MAXUINT;
}

static void
check_order (const Case *golden, const Plan *plan)
{
  static const guint32 once[] = { OP_NEW_SESSION, OP_ROOT, OP_PIVOT, OP_CWD, OP_PROGRAM, OP_READY,
                                  OP_IDS, OP_CAPABILITIES, OP_ARGUMENTS, OP_ENVIRONMENT, OP_EXEC };
  Stage stage = STAGE_START;

  for (guint i = 0; i < plan->ops->len; i++)
    {
      const PlanOp *op = g_ptr_array_index (plan->ops, i);

      g_assert_cmpuint (op->code, <, OP_CODE_N);
      g_assert_cmpuint (op->row, <, plan->rows->len);
      /* a session of its own may begin at any time before the restrictions */
      if (op->code == OP_NEW_SESSION)
        continue;
      if (stages[op->code] == 0)
        g_error ("%s: has no row in \"stages\" above", plan_op_name (op->code));
      if (stages[op->code] < stage)
        g_error ("%s: comes too late, behind operations of stage %d", plan_op_name (op->code),
                 stage);
      stage = stages[op->code];
    }
  if (golden->spec->process == NULL)
    {
      /* what waits can only be joined */
      g_assert_cmpuint (index_of (plan, OP_READY), ==, plan->ops->len - 1);
      g_assert_cmpuint (index_of (plan, OP_PIVOT), !=, G_MAXUINT);
      return;
    }
  g_assert_cmpuint (index_of (plan, OP_NEW_SESSION), <, index_of (plan, OP_CONSOLE));
  g_assert_cmpuint (index_of (plan, OP_NEW_SESSION), <, index_of (plan, OP_IDS));
  for (gsize i = 0; i < G_N_ELEMENTS (once); i++)
    g_assert_cmpuint (count_ops (plan, once[i]), ==, 1);
  g_assert_cmpuint (index_of (plan, OP_EXEC), ==, plan->ops->len - 1);
  g_assert_cmpuint (index_of (plan, OP_IDS), <, index_of (plan, OP_CAPABILITIES));
}

/* A filter is loaded last where no_new_privs allows that, and first where it takes a capability. */
static void
check_restrictions (const Case *golden, const Plan *plan)
{
  const OciProcess *process = golden->spec->process;
  guint filter = index_of (plan, OP_SECCOMP);

  if (process == NULL)
    return;
  g_assert_true (plan->no_new_privs == process->no_new_privileges.value);
  g_assert_cmpuint (count_ops (plan, OP_NO_NEW_PRIVS), ==, plan->no_new_privs ? 1 : 0);
  g_assert_true (plan->hold || plan->no_new_privs);
  if (filter == G_MAXUINT)
    return;
  if (plan->no_new_privs)
    g_assert_cmpuint (filter, >, index_of (plan, OP_NO_NEW_PRIVS));
  else
    g_assert_cmpuint (filter, <, index_of (plan, OP_IDS));
}

static void
check_maps (const Case *golden, const Plan *plan)
{
  static const OciUser root = { 0 };
  const OciProcess *process = golden->spec->process;
  const OciUser *user = process != NULL ? process->user : &root;

  g_assert_true ((plan->uid_map == NULL) == (plan->gid_map == NULL));
  g_assert_true ((plan->maps == MAPS_NONE) == (plan->uid_map == NULL));
  g_assert_true (plan_id_is_mapped (plan->uid_map, user->uid.value));
  g_assert_true (plan_id_is_mapped (plan->gid_map, user->gid.value));
  /* an unprivileged caller never runs without a user namespace */
  g_assert_true (plan->userns != USERNS_NONE || plan_privileged (&golden->facts->machine));
}

static void
check_json (const Case *golden, const Plan *plan)
{
  g_autoptr (GString) first = plan_format_json (plan);
  g_autoptr (GError) error = NULL;
  g_autoptr (Plan) again = plan_new (golden->spec, golden->facts, &golden->options, &error);
  g_autoptr (GString) second = NULL;
  g_autoptr (JsonText) json = json_text_parse (first->str, first->len, &error);

  g_assert_no_error (error);
  g_assert_nonnull (json);
  second = plan_format_json (again);
  g_assert_cmpstr (first->str, ==, second->str);
}

static void
test_order (void)
{
  each_plan (check_order);
}

static void
test_restrictions (void)
{
  each_plan (check_restrictions);
}

static void
test_maps (void)
{
  each_plan (check_maps);
}

static void
test_json (void)
{
  each_plan (check_json);
}

/* What goes to a terminal moves no cursor. */
static void
check_text (const Case *golden, const Plan *plan)
{
  g_autoptr (GString) text = plan_format_text (plan, golden->facts, &golden->options);
  g_autoptr (GString) notes = plan_format_notes (plan);

  for (const char *p = text->str; *p != '\0'; p++)
    g_assert_true (*p == '\n' || !g_ascii_iscntrl (*p));
  for (const char *p = notes->str; *p != '\0'; p++)
    g_assert_true (*p == '\n' || !g_ascii_iscntrl (*p));
}

static void
test_text (void)
{
  each_plan (check_text);
}

/* --- edges ----------------------------------------------------------------- */

/* A plan with @n bind mounts. */
static Plan *
plan_of_mounts (const Case *golden, guint n)
{
  g_autoptr (GPtrArray) mounts = g_ptr_array_new ();
  g_autoptr (GPtrArray) sources = g_ptr_array_new ();
  OciSpec spec = *golden->spec;
  HostFacts facts = *golden->facts;
  const guint bind = golden->spec->mounts->len - 1;

  g_assert_true (mount_is_bind (g_ptr_array_index (golden->spec->mounts, bind)));
  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (mounts, g_ptr_array_index (golden->spec->mounts, bind));
      g_ptr_array_add (sources, g_ptr_array_index (golden->facts->bundle.mounts, bind));
    }
  spec.mounts = mounts;
  facts.bundle.mounts = sources;
  return plan_new (&spec, &facts, &golden->options, NULL);
}

/* bwrap takes 9000 arguments, those of --args and of its command line together. */
static void
test_limit (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Case) golden = case_read ("bwrap-no-bind-fd", &error);
  guint most = 0;

  g_assert_no_error (error);
  for (guint n = 2900; n < 3100; n++)
    {
      g_autoptr (Plan) plan = plan_of_mounts (golden, n);

      if (plan == NULL)
        break;
      most = plan->words->len;
    }
  /* bwrap --args N -- /init N [hold] */
  g_assert_cmpuint (most + 7, <=, 9000);
  g_assert_cmpuint (most + 7, >, 9000 - 6);
}

/* They are looked up by halving. */
static void
test_option_names (void)
{
  g_autofree const char **names = mount_option_names ();
  guint n = g_strv_length ((char **) names);

  g_assert_cmpuint (n, >, 50);
  for (guint i = 1; i < n; i++)
    g_assert_cmpstr (names[i - 1], <, names[i]);
}

/* Every option that is understood changes something or is one of those that mean nothing. */
static void
test_options (void)
{
  static const char *const nothing[] = { "defaults", "iversion", "loud", "noiversion", "silent",
                                         NULL };
  g_autofree const char **names = mount_option_names ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      char *list[] = { (char *) names[i], NULL };
      const OciMount mount = { .destination = (char *) "/a", .options = list };
      g_autoptr (GError) error = NULL;
      g_auto (MountOptions) o = { 0 };
      gboolean effect;

      g_assert_true (mount_options_read (&mount, "/mounts/0", &o, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (o.data->len, ==, 0);
      effect = o.bind || o.set != 0 || o.clear != 0 || o.recursive_set != 0
               || o.recursive_clear != 0 || o.propagation != 0 || o.recursive_propagation != 0
               || o.has_atime || o.copy_up || o.copy_symlink || o.idmap || o.superblock->len > 0;
      g_assert_true (effect == !g_strv_contains (nothing, names[i]));
      /* bits are never asked to be set and cleared at once, the access time apart */
      g_assert_cmpuint (o.set & o.clear, ==, 0);
    }
}

/* What plan_check() collects begins with what plan_new() fails with, and is nothing where that does
 * not. */
static void
test_check (void)
{
  g_autoptr (GPtrArray) names = case_names ();
  guint most = 0;

  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (Case) golden = case_read (g_ptr_array_index (names, i), NULL);
      g_autoptr (GPtrArray) refusals = plan_notes_new ();
      g_autoptr (Plan) plan = NULL, checked = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *first = NULL;

      if (golden == NULL)
        continue;
      plan = plan_new (golden->spec, golden->facts, &golden->options, &error);
      checked = plan_check (golden->spec, golden->facts, &golden->options, refusals);
      g_test_message ("%s", (const char *) g_ptr_array_index (names, i));
      g_assert_cmpuint (refusals->len > 0, ==, plan == NULL);
      most = MAX (most, refusals->len);
      if (refusals->len > 0)
        {
          const PlanNote *note = g_ptr_array_index (refusals, 0);

          first = g_strdup_printf ("config.json: %s: %s", note->pointer, note->message);
          g_assert_cmpstr (first, ==, error->message);
        }
      else
        g_assert_cmpuint (checked->ops->len, ==, plan->ops->len);
    }
  g_assert_cmpuint (most, >=, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plan/words", test_words);
  g_test_add_func ("/plan/order", test_order);
  g_test_add_func ("/plan/restrictions", test_restrictions);
  g_test_add_func ("/plan/maps", test_maps);
  g_test_add_func ("/plan/json", test_json);
  g_test_add_func ("/plan/text", test_text);
  g_test_add_func ("/plan/check", test_check);
  g_test_add_func ("/plan/limit", test_limit);
  g_test_add_func ("/plan/option-names", test_option_names);
  g_test_add_func ("/plan/options", test_options);
  return g_test_run ();
}
