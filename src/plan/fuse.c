/* Who makes an overlay: the kernel, or fuse-overlayfs where that refuses or is not to be asked.
 *
 * What the kernel refuses is seen only when it is asked, so a plan may hold both, and the init
 * turns to the second. fuse-overlayfs runs with the ids of the container and the files of the host
 * before it: nobody in the container may be able to trace it. */
#include "config.h"

#include "plan/builder.h"

#include "plan/overlay.h"

#include "init/ops.h"

#include <string.h>

/* What becomes of a parameter of the kernel's. */
typedef enum {
  TO_NOTHING,  /* it is the kernel's own affair, or the init's */
  TO_SAME,
  TO_FOLDER,   /* a staged one, which fuse-overlayfs has elsewhere */
  TO_FOLDERS,  /* several, with colons between them */
} Translation;

static const struct {
  const char *key;
  Translation to;
} parameters[] = {
  { "source=", TO_NOTHING },  { "userxattr", TO_NOTHING },  { "volatile", TO_SAME },
  { "lowerdir=", TO_FOLDERS }, { "upperdir=", TO_FOLDER },  { "workdir=", TO_FOLDER },
};

/* Adds staged @folders. A backslash means the same to both, and a comma has ended an option. FALSE:
 * one has no name, which tells the kernel what the next are for, and would be the whole tree. */
static gboolean
add_folders (GString *out, const char *folders, gboolean several)
{
  for (const char *c = folders;; c++)
    {
      gboolean begins = c == folders || (several && c[-1] == ':');

      if (begins && *c != '/')
        return FALSE;
      if (*c == '\0')
        return TRUE;
      if (begins)
        g_string_append (out, OVERLAY_TREE);
      g_string_append_c (out, *c);
    }
}

/* Adds what @parameter is to fuse-overlayfs; FALSE: nothing like it. */
static gboolean
translate (GString *out, const char *parameter)
{
  for (gsize i = 0; i < G_N_ELEMENTS (parameters); i++)
    {
      gsize length = strlen (parameters[i].key);

      if (strncmp (parameter, parameters[i].key, length) != 0
          || (parameters[i].key[length - 1] != '=' && parameter[length] != '\0'))
        continue;
      if (parameters[i].to == TO_NOTHING)
        return TRUE;
      g_string_append_printf (out, "%s%s", out->len > 0 ? "," : "", parameters[i].key);
      return parameters[i].to == TO_SAME
             || add_folders (out, parameter + length, parameters[i].to == TO_FOLDERS);
    }
  return FALSE;
}

/* Why fuse-overlayfs cannot make the overlay of @op; NULL: it can, with *@ret_options. Transfer:
 * full. */
static char *
find_problem (const PlanContext *context, const PlanOp *op, guint first, char **ret_options)
{
  const FuseFacts *fuse = &context->facts->machine.fuse;
  g_autoptr (GString) options = g_string_new (NULL);

  if (fuse->program_error != 0)
    return g_strdup_printf ("%s: %s: install fuse-overlayfs", fuse->program,
                            g_strerror (fuse->program_error));
  if (fuse->device_error != 0)
    return g_strdup_printf ("fuse-overlayfs cannot: /dev/fuse: %s",
                            g_strerror (fuse->device_error));
  if (!context->plan->own_pid_ns)
    return g_strdup ("fuse-overlayfs cannot: without a pid namespace of its own the container"
                     " could trace it");
  for (guint i = first; i < op->strings->len; i++)
    if (!translate (options, g_ptr_array_index (op->strings, i)))
      return g_strdup_printf ("fuse-overlayfs cannot: it has no option %s",
                              (const char *) g_ptr_array_index (op->strings, i));
  *ret_options = g_string_free (g_steal_pointer (&options), FALSE);
  return NULL;
}

/* The annotation chooses between two that this host has: who writes it runs no program of his. */
static gboolean
is_forced (const PlanContext *context, gboolean *ret_forced, GError **error)
{
  const char *program = oci_spec_annotation (context->spec, OVERLAY_PROGRAM_ANNOTATION);

  if (program != NULL && strcmp (program, "fuse-overlayfs") != 0
      && g_strcmp0 (program, context->facts->machine.fuse.program) != 0)
    return plan_refuse (error, "/annotations/" OVERLAY_PROGRAM_ANNOTATION,
                        "expected fuse-overlayfs, got \"%.100s\"", program);
  *ret_forced = program != NULL || context->options->mount_program;
  return TRUE;
}

/* Says in the row who makes it. */
static void
say_who (const PlanContext *context, const PlanOp *op, gboolean certain)
{
  PlanRow *row = g_ptr_array_index (context->plan->rows, op->row);
  char *what = g_strdup_printf ("%s, by %s%s", row->what, context->facts->machine.fuse.program,
                                certain ? "" : " if the kernel refuses");

  g_free (row->what);
  row->what = what;
}

static void
add_fuse (Plan *plan, PlanOp *op, gboolean forced, char *options)
{
  PlanFuse *fuse = g_new0 (PlanFuse, 1);

  fuse->row = op->row;
  fuse->options = options;
  g_ptr_array_add (plan->fuse, fuse);
  op->flags |= forced ? OP_FLAG_FUSE_ONLY : OP_FLAG_FUSE;
}

gboolean
plan_overlay (PlanContext *context, const char *pointer, PlanOp *op, guint first, GError **error)
{
  GHashTable *refused = context->facts->bundle.refused_overlays;
  const char *words = refused != NULL ? g_hash_table_lookup (refused, pointer) : NULL;
  g_autofree char *problem = NULL;
  char *options = NULL;
  gboolean forced = FALSE;

  if (!is_forced (context, &forced, error))
    return FALSE;
  problem = find_problem (context, op, first, &options);
  if (problem == NULL)
    {
      add_fuse (context->plan, op, forced, options);
      say_who (context, op, forced || words != NULL);
      if (words != NULL && !forced)
        plan_note (context->plan, pointer, "fuse-overlayfs makes the overlay, which the kernel"
                   " refuses: %s", words);
      return TRUE;
    }
  if (forced)
    return plan_refuse (error, pointer, "no overlay: %s", problem);
  if (words != NULL)
    return plan_refuse (error, pointer, "the kernel refuses the overlay: %s (%s)", words, problem);
  ((PlanRow *) g_ptr_array_index (context->plan->rows, op->row))->hint
    = g_steal_pointer (&problem);
  return TRUE;
}
