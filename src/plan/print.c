/* --dry-run; see print.h. */
#include "config.h"

#include "plan/print.h"

#include "base/error.h"
#include "base/names.h"
#include "init/ops.h"
#include "json/emit.h"
#include "plan/initops.h"
#include "plan/print_cgroup.h"

#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

static const char *const slot_names[] = {
  [SLOT_USERNS_BLOCK] = "@userns-block",
  [SLOT_INFO] = "@info",
  [SLOT_INIT] = "@init",
  [SLOT_ROOT] = "@root",
  [SLOT_SOURCE] = "@source",
  [SLOT_NAMESPACE] = "@namespace",
  [SLOT_LAYER] = "@layer",
  [SLOT_PRESERVED] = "@first-fd",
};

static const char *const userns_names[] = {
  [USERNS_NONE] = "none",
  [USERNS_BWRAP] = "bwrap",
  [USERNS_ENTER] = "enter",
  [USERNS_JOIN] = "join",
};

static const char *const maps_names[] = {
  [MAPS_NONE] = "none",
  [MAPS_DIRECT] = "direct",
  [MAPS_TOOLS] = "tools",
};

/* enum op_flag, in the order of its bits. */
static const Name flag_names[] = {
  { "recursive", OP_FLAG_RECURSIVE },
  { "directory", OP_FLAG_DIRECTORY },
  { "no-symlinks", OP_FLAG_NO_SYMLINKS },
  { "inherit-mode", OP_FLAG_INHERIT_MODE },
  { "copy-up", OP_FLAG_COPY_UP },
  { "gate", OP_FLAG_GATE },
  { "check-source", OP_FLAG_CHECK_SOURCE },
  { "bind-console", OP_FLAG_BIND_CONSOLE },
  { "late-readonly", OP_FLAG_LATE_READONLY },
  { "received", OP_FLAG_RECEIVED },
  { "plain", OP_FLAG_PLAIN },
  { "outside", OP_FLAG_OUTSIDE },
  { "label", OP_FLAG_LABEL },
  { "fuse", OP_FLAG_FUSE },
  { "fuse-only", OP_FLAG_FUSE_ONLY },
  { "same", OP_FLAG_SAME },
  { "there", OP_FLAG_THERE },
  { NULL, 0 },
};

static char *
word_text (const PlanWord *word)
{
  if (word->text != NULL)
    return g_strdup (word->text);
  if (word->slot == SLOT_SOURCE || word->slot == SLOT_NAMESPACE
      || word->slot == SLOT_LAYER)
    return g_strdup_printf ("%s:%u", slot_names[word->slot], word->index);
  return g_strdup (slot_names[word->slot]);
}

/* A word of the command as a shell would take it; one that could write to the terminal is shown
 * escaped instead. */
static void
format_word (GString *out, const char *word)
{
  static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                             "@%+=:,./-_";
  g_autofree char *text = error_escape (word);
  g_autofree char *quoted = g_shell_quote (text);

  g_string_append (out, *text != '\0' && text[strspn (text, safe)] == '\0' ? text : quoted);
}

static void
format_command (GString *out, const Plan *plan, const HostFacts *facts)
{
  format_word (out, facts->machine.bwrap.path);
  for (guint i = 0; i < plan->words->len; i++)
    {
      g_autofree char *text = word_text (g_ptr_array_index (plan->words, i));

      g_string_append (out, g_str_has_prefix (text, "--") ? " \\\n  " : " ");
      format_word (out, text);
    }
  g_string_append_printf (out, " \\\n  -- %s @first-fd%s\n",
                          plan->plain ? "/proc/self/fd/@init" : "/init",
                          plan->hold ? " hold" : "");
}

static void
format_map (GString *out, const char *name, const GArray *map)
{
  for (guint i = 0; map != NULL && i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      g_string_append_printf (out, "%s %u %u %u\n", name, line->inside, line->outside,
                              line->count);
    }
}

static void
format_joining (GString *out, const Plan *plan)
{
  const GPtrArray *namespaces = plan->spec->linux_->namespaces;

  if (plan->hold)
    g_string_append (out, "first process: a child of the runtime that joins what bwrap holds\n");
  if (plan->new_namespaces & CLONE_NEWTIME)
    g_string_append (out, "makes: a time namespace\n");
  if (plan->time_offsets != NULL)
    g_string_append (out, plan->time_offsets);
  for (guint i = 0; i < field_count (namespaces); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (namespaces, i);
      g_autofree char *path = ns->path != NULL ? error_escape (ns->path) : NULL;

      if (path != NULL)
        g_string_append_printf (out, "joins: %s %s\n", name_of (oci_namespace_names, ns->type),
                                path);
    }
}

static void
format_op (GString *out, const Plan *plan, const PlanOp *op)
{
  const PlanRow *row = g_ptr_array_index (plan->rows, op->row);
  g_autofree char *what = error_escape (row->what);

  g_string_append_printf (out, "init: %s", what);
  if (*row->pointer != '\0')
    {
      g_autofree char *pointer = error_escape (row->pointer);

      g_string_append_printf (out, "  (%s)", pointer);
    }
  g_string_append_c (out, '\n');
}

/* The programs that may be started for overlays; 3 is what the init has opened. */
static void
format_fuse (GString *out, const Plan *plan, const HostFacts *facts)
{
  for (guint i = 0; i < plan->fuse->len; i++)
    {
      const PlanFuse *fuse = g_ptr_array_index (plan->fuse, i);

      g_string_append (out, "for an overlay: ");
      format_word (out, facts->machine.fuse.program);
      g_string_append (out, " -f -o ");
      format_word (out, fuse->options);
      g_string_append (out, " /dev/fd/3\n");
    }
}

GString *
plan_format_text (const Plan *plan, const HostFacts *facts, const PlanOptions *options)
{
  GString *out = g_string_new (NULL);
  guint32 last = G_MAXUINT32;

  g_string_append_printf (out, "container %s\n", options->id);
  if (plan->plain)
    g_string_append (out, "mode: plain\n");
  format_command (out, plan, facts);
  g_string_append_printf (out, "user namespace: %s, maps written: %s%s\n",
                          userns_names[plan->userns], maps_names[plan->maps],
                          plan->setgroups_deny ? ", setgroups denied" : "");
  format_map (out, "uid_map", plan->uid_map);
  format_map (out, "gid_map", plan->gid_map);
  format_joining (out, plan);
  plan_format_cgroup (out, plan);
  format_fuse (out, plan, facts);
  for (guint i = 0; i < plan->ops->len; i++)
    {
      const PlanOp *op = g_ptr_array_index (plan->ops, i);

      /* these are told with the exec */
      if (op->code == OP_ARGUMENTS || op->code == OP_ENVIRONMENT)
        continue;
      if (op->row != last)
        format_op (out, plan, op);
      last = op->row;
    }
  return out;
}

GString *
plan_format_notes (const Plan *plan)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < plan->notes->len; i++)
    {
      const PlanNote *note = g_ptr_array_index (plan->notes, i);
      g_autofree char *pointer = error_escape (note->pointer);
      g_autofree char *message = error_escape (note->message);

      g_string_append_printf (out, "note: %s: %s\n", pointer, message);
    }
  return out;
}

void
plan_print (const Plan *plan, const HostFacts *facts, const PlanOptions *options)
{
  g_autoptr (GString) text = plan_format_text (plan, facts, options);
  g_autoptr (GString) notes = plan_format_notes (plan);

  (void) fputs (text->str, stdout);
  (void) fputs (notes->str, stderr);
}

static void
emit_map (JsonEmit *emit, const char *key, const GArray *map)
{
  json_emit_array (emit, key);
  for (guint i = 0; map != NULL && i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      json_emit_object (emit, NULL);
      json_emit_uint (emit, "containerID", line->inside);
      json_emit_uint (emit, "hostID", line->outside);
      json_emit_uint (emit, "size", line->count);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

/* The namespaces that exist already, the user namespace among them. */
static void
emit_joined (JsonEmit *emit, const Plan *plan)
{
  const GPtrArray *namespaces = plan->spec->linux_->namespaces;

  json_emit_array (emit, "joined");
  for (guint i = 0; i < field_count (namespaces); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (namespaces, i);

      if (ns->path == NULL)
        continue;
      json_emit_object (emit, NULL);
      json_emit_string (emit, "type", name_of (oci_namespace_names, ns->type));
      json_emit_string (emit, "path", ns->path);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

static void
emit_op (JsonEmit *emit, const Plan *plan, const PlanOp *op)
{
  const PlanRow *row = g_ptr_array_index (plan->rows, op->row);

  json_emit_object (emit, NULL);
  json_emit_string (emit, "op", plan_op_name (op->code));
  json_emit_string (emit, "pointer", row->pointer);
  json_emit_string (emit, "what", row->what);
  json_emit_array (emit, "flags");
  for (const Name *flag = flag_names; flag->name != NULL; flag++)
    if (op->flags & (guint64) flag->value)
      json_emit_string (emit, NULL, flag->name);
  json_emit_array_end (emit);
  json_emit_array (emit, "numbers");
  for (guint i = 0; i < op->numbers->len; i++)
    json_emit_uint (emit, NULL, g_array_index (op->numbers, guint64, i));
  json_emit_array_end (emit);
  json_emit_array (emit, "strings");
  for (guint i = 0; i < op->strings->len; i++)
    json_emit_string (emit, NULL, g_ptr_array_index (op->strings, i));
  json_emit_array_end (emit);
  if (op->seccomp != NULL)
    json_emit_string (emit, "data", "@seccomp");
  json_emit_object_end (emit);
}

static void
emit_fuse (JsonEmit *emit, const Plan *plan)
{
  json_emit_array (emit, "fuseOverlayfs");
  for (guint i = 0; i < plan->fuse->len; i++)
    {
      const PlanFuse *fuse = g_ptr_array_index (plan->fuse, i);
      const PlanRow *row = g_ptr_array_index (plan->rows, fuse->row);

      json_emit_object (emit, NULL);
      json_emit_string (emit, "pointer", row->pointer);
      json_emit_string (emit, "options", fuse->options);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

static void
emit_notes (JsonEmit *emit, const Plan *plan)
{
  json_emit_array (emit, "notes");
  for (guint i = 0; i < plan->notes->len; i++)
    {
      const PlanNote *note = g_ptr_array_index (plan->notes, i);

      json_emit_object (emit, NULL);
      json_emit_string (emit, "pointer", note->pointer);
      json_emit_string (emit, "message", note->message);
      json_emit_object_end (emit);
    }
  json_emit_array_end (emit);
}

GString *
plan_format_json (const Plan *plan)
{
  GString *out = g_string_new (NULL);
  JsonEmit emit;

  json_emit_init (&emit, out);
  json_emit_object (&emit, NULL);
  json_emit_array (&emit, "bwrap");
  for (guint i = 0; i < plan->words->len; i++)
    {
      g_autofree char *text = word_text (g_ptr_array_index (plan->words, i));

      json_emit_string (&emit, NULL, text);
    }
  json_emit_array_end (&emit);
  if (plan->plain)
    json_emit_string (&emit, "mode", "plain");
  json_emit_string (&emit, "userNamespace", userns_names[plan->userns]);
  json_emit_string (&emit, "maps", maps_names[plan->maps]);
  json_emit_bool (&emit, "setgroupsDeny", plan->setgroups_deny);
  json_emit_bool (&emit, "hold", plan->hold);
  json_emit_bool (&emit, "noNewPrivileges", plan->no_new_privs);
  emit_map (&emit, "uidMap", plan->uid_map);
  emit_map (&emit, "gidMap", plan->gid_map);
  emit_joined (&emit, plan);
  if (plan->new_namespaces & CLONE_NEWTIME)
    json_emit_string (&emit, "timeNamespace",
                      plan->time_offsets != NULL ? plan->time_offsets : "");
  plan_emit_cgroup (&emit, plan);
  if (plan->fuse->len > 0)
    emit_fuse (&emit, plan);
  json_emit_array (&emit, "init");
  for (guint i = 0; i < plan->ops->len; i++)
    emit_op (&emit, plan, g_ptr_array_index (plan->ops, i));
  json_emit_array_end (&emit);
  emit_notes (&emit, plan);
  json_emit_object_end (&emit);
  g_string_append_c (out, '\n');
  return out;
}
