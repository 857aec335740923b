/* Putting a Plan together; see builder.h. */
#include "config.h"

#include "plan/builder.h"

#include "base/error.h"

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

void
plan_note (Plan *plan, const char *pointer, const char *message, ...)
{
  PlanNote *note = g_new0 (PlanNote, 1);
  va_list args;

  va_start (args, message);
  note->pointer = g_strdup (pointer);
  note->message = g_strdup_vprintf (message, args);
  va_end (args);
  g_ptr_array_add (plan->notes, note);
}

gboolean
plan_refuse (GError **error, const char *pointer, const char *message, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, message);
  text = g_strdup_vprintf (message, args);
  va_end (args);
  return throw (error, "config.json: %s: %s", pointer, text);
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
