/* A writable layer over the root file system; see layers.h. */
#include "config.h"

#include "plan/layers.h"

#include "plan/builder.h"

#include "base/error.h"
#include "init/ops.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define AT_ANNOTATION "config.json: /annotations/" LAYER_ANNOTATION

static const Name kind_names[] = {
  { "state", LAYER_STATE },
  { "volatile", LAYER_VOLATILE },
  { NULL, 0 },
};

static gboolean
read_kind (LayerRequest *request, const char *where, GError **error)
{
  const Name *kind = name_find (kind_names, where);

  if (kind == NULL && !g_path_is_absolute (where))
    return throw (error, "%s: expected state, volatile or an absolute path, got \"%.100s\"",
                  request->at, where);
  request->kind = kind != NULL ? (LayerKind) kind->value : LAYER_DIRECTORY;
  if (kind == NULL)
    request->directory = g_strdup (where);
  return TRUE;
}

static void
read_lower (LayerRequest *request, const char *annotation, const char *bundle)
{
  g_auto (GStrv) paths = g_strsplit (annotation, ":", -1);

  for (char **path = paths; *path != NULL; path++)
    if (**path != '\0')
      g_ptr_array_add (request->lower, g_canonicalize_filename (*path, bundle));
}

gboolean
layer_request_read (const OciSpec *spec, const LayerOptions *options, LayerRequest *ret_request,
                    GError **error)
{
  const char *where = options->where;
  const GPtrArray *lower = options->lower;
  const char *below = oci_spec_annotation (spec, LAYER_LOWER_ANNOTATION);
  LayerRequest *request = ret_request;

  *request = (LayerRequest) { .lower = g_ptr_array_new_with_free_func (g_free),
                              .at = where != NULL ? "--overlay" : AT_ANNOTATION };
  if (where == NULL)
    where = oci_spec_annotation (spec, LAYER_ANNOTATION);
  if (where == NULL && field_count (lower) > 0)
    return throw (error, "--overlay-lower goes with --overlay");
  if (where == NULL && below != NULL)
    return throw (error, "config.json: /annotations/" LAYER_LOWER_ANNOTATION ": goes with "
                  LAYER_ANNOTATION);
  if (where == NULL)
    return TRUE;
  for (guint i = 0; i < field_count (lower); i++)
    g_ptr_array_add (request->lower, g_strdup (g_ptr_array_index (lower, i)));
  if (field_count (lower) == 0 && below != NULL)
    read_lower (request, below, options->bundle);
  return read_kind (request, where, error);
}

void
layer_request_clear (LayerRequest *request)
{
  g_clear_pointer (&request->directory, g_free);
  g_clear_pointer (&request->lower, g_ptr_array_unref);
}

/* Brings the @index-th layer to /s/layer-INDEX. */
static gboolean
stage (PlanContext *context, guint index, GError **error)
{
  const SourceFacts *facts = g_ptr_array_index (context->facts->bundle.layers, index);
  const char *path = facts != NULL ? facts->path : context->options->layer_path;
  g_autofree char *target = g_strdup_printf ("/s/layer-%u", index);
  const char *at = context->options->layer->at;
  const char *option = index == 0 ? "--bind" : "--ro-bind";
  gboolean by_fd = (context->facts->machine.bwrap.options & BWRAP_BIND_FD) != 0;
  g_autofree char *fd_option = g_strconcat (option, "-fd", NULL);

  if (facts != NULL && facts->error != 0)
    return throw (error, "%s: open %s: %s", at, path, g_strerror (facts->error));
  if (facts != NULL && !S_ISDIR (facts->mode))
    return throw (error, "%s: %s: %s", at, path, g_strerror (ENOTDIR));
  if (facts != NULL && !plan_check_search (context->plan, facts, "/root/path", error))
    return FALSE;
  plan_word (context->plan, by_fd ? fd_option : option);
  if (by_fd)
    plan_word_slot (context->plan, SLOT_LAYER, index);
  else
    plan_word (context->plan, path);
  plan_word (context->plan, target);
  return TRUE;
}

/* "lowerdir=" with the topmost layer first. */
static char *
lower_parameter (guint count)
{
  GString *text = g_string_new ("lowerdir=");

  for (guint i = count; i > 0; i--)
    g_string_append_printf (text, "/s/layer-%u:", i);
  g_string_append (text, "/r");
  return g_string_free (text, FALSE);
}

gboolean
plan_stage_layers (PlanContext *context, GError **error)
{
  const LayerRequest *request = context->options->layer;

  if (request == NULL || request->kind == LAYER_NONE)
    return TRUE;
  context->plan->layer_in_state = request->kind == LAYER_STATE;
  for (guint i = request->kind == LAYER_VOLATILE; i <= request->lower->len; i++)
    if (!stage (context, i, error))
      return FALSE;
  return TRUE;
}

/* The parameters of the overlay. */
static void
add_parameters (const PlanContext *context, PlanOp *op, const char *layer)
{
  const LayerRequest *request = context->options->layer;
  g_autofree char *lower = lower_parameter (request->lower->len);
  g_autofree char *upper = g_strconcat ("upperdir=", layer, "/upper", NULL);
  g_autofree char *work = g_strconcat ("workdir=", layer, "/work", NULL);

  plan_op_string (op, "source=overlay");
  plan_op_string (op, lower);
  plan_op_string (op, upper);
  plan_op_string (op, work);
  /* other attributes of files are for those who rule the whole machine */
  if (context->plan->userns != USERNS_NONE || !context->facts->machine.initial_user_ns)
    plan_op_string (op, "userxattr");
  if (request->kind == LAYER_VOLATILE)
    plan_op_string (op, "volatile");
  plan_label_filesystem (context, op, "overlay");
}

gboolean
plan_layers (PlanContext *context, gboolean *ret_layered, GError **error)
{
  const LayerRequest *request = context->options->layer;
  const SourceFacts *root = context->facts->bundle.root;
  const char *layer;
  guint32 row;
  PlanOp *op;

  *ret_layered = request != NULL && request->kind != LAYER_NONE;
  if (!*ret_layered)
    return TRUE;
  layer = request->kind == LAYER_VOLATILE ? LAYER_MEMORY : "/s/layer-0";
  row = plan_row (context->plan, "/root/path", "lay a writable layer over %s, %s", root->path,
                  request->kind == LAYER_VOLATILE ? "in memory"
                  : request->kind == LAYER_STATE  ? "in the state directory"
                                                  : request->directory);
  op = plan_op (context->plan, OP_LAYERS, row, 0);
  plan_op_number (op, root->device);
  plan_op_number (op, root->inode);
  plan_op_string (op, layer);
  add_parameters (context, op, layer);
  return plan_overlay (context, "/root/path", op, 1, error);
}
