/* Putting a Plan together; see builder.h. */
#include "config.h"

#include "plan/builder.h"

#include "base/error.h"

#include <string.h>

#define CONFIG_PREFIX "config.json: "

guint32
plan_row (Plan *plan, const char *pointer, const char *what, ...)
{
  PlanRow *row = g_new0 (PlanRow, 1);
  va_list args;

  va_start (args, what);
  row->pointer = g_strdup (pointer);
  row->what = g_strdup_vprintf (what, args);
  va_end (args);
  g_ptr_array_add (plan->rows, row);
  return plan->rows->len - 1;
}

PlanOp *
plan_op (Plan *plan, guint32 code, guint32 row, guint32 flags)
{
  PlanOp *op = g_new0 (PlanOp, 1);

  op->code = code;
  op->flags = flags;
  op->row = row;
  op->numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  op->strings = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (plan->ops, op);
  return op;
}

void
plan_op_number (PlanOp *op, guint64 number)
{
  g_array_append_val (op->numbers, number);
}

void
plan_op_string (PlanOp *op, const char *string)
{
  g_ptr_array_add (op->strings, g_strdup (string));
}

void
plan_word (Plan *plan, const char *text)
{
  PlanWord *word = g_new0 (PlanWord, 1);

  word->text = g_strdup (text);
  g_ptr_array_add (plan->words, word);
}

void
plan_word_slot (Plan *plan, PlanSlotKind kind, guint index)
{
  PlanWord *word = g_new0 (PlanWord, 1);

  word->slot = kind;
  word->index = index;
  g_ptr_array_add (plan->words, word);
}

static void
free_note (gpointer data)
{
  PlanNote *note = data;

  g_free (note->pointer);
  g_free (note->message);
  g_free (note);
}

GPtrArray *
plan_notes_new (void)
{
  return g_ptr_array_new_with_free_func (free_note);
}

/* Takes @message. */
static void
add_note (GPtrArray *notes, const char *pointer, char *message, gboolean ignored)
{
  PlanNote *note = g_new0 (PlanNote, 1);

  note->pointer = g_strdup (pointer);
  note->message = message;
  note->ignored = ignored;
  g_ptr_array_add (notes, note);
}

void
plan_note (Plan *plan, const char *pointer, const char *message, ...)
{
  va_list args;

  va_start (args, message);
  add_note (plan->notes, pointer, g_strdup_vprintf (message, args), FALSE);
  va_end (args);
}

void
plan_ignore (Plan *plan, const char *pointer, const char *message, ...)
{
  va_list args;

  va_start (args, message);
  add_note (plan->notes, pointer, g_strdup_vprintf (message, args), TRUE);
  va_end (args);
}

/* Messages of what is refused are all "config.json: POINTER: ...". */
gboolean
plan_go_on (PlanContext *context, gboolean ok, GError **error)
{
  g_autofree char *pointer = NULL;
  const char *text, *end;

  if (ok || context->refusals == NULL)
    return ok;
  text = (*error)->message;
  text += g_str_has_prefix (text, CONFIG_PREFIX) ? strlen (CONFIG_PREFIX) : 0;
  end = *text == '/' ? strstr (text, ": ") : NULL;
  pointer = g_strndup (text, end != NULL ? (gsize) (end - text) : 0);
  add_note (context->refusals, pointer, g_strdup (end != NULL ? end + 2 : text), FALSE);
  g_clear_error (error);
  return TRUE;
}

gboolean
plan_refuse (GError **error, const char *pointer, const char *message, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, message);
  text = g_strdup_vprintf (message, args);
  va_end (args);
  return throw (error, CONFIG_PREFIX "%s: %s", pointer, text);
}

gboolean
plan_id_is_mapped (const GArray *map, guint32 id)
{
  if (map == NULL)
    return TRUE;
  for (guint i = 0; i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      if (id >= line->inside && id - line->inside < line->count)
        return TRUE;
    }
  return FALSE;
}
