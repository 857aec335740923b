/* Tables for people; see table.h. The widths are those of runc's tables, which some scripts cut. */
#include "config.h"

#include "cmd/table.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIN_WIDTH 12
#define GAP 3

/* SGR numbers (console_codes(4)) */
#define SGR_NONE 0
#define SGR_BOLD 1

gboolean
table_is_terminal (void)
{
  return isatty (STDOUT_FILENO) == 1;
}

gboolean
table_is_coloured (const CmdContext *context)
{
  const char *term = context->environment.term;

  return table_is_terminal () && context->environment.no_color == NULL && term != NULL
         && strcmp (term, "dumb") != 0;
}

/* The colour of a cell; SGR_NONE: that of the terminal. */
static int
cell_colour (const TableStyle *style, const char *cell, gboolean header)
{
  const Name *word;

  if (!style->coloured)
    return SGR_NONE;
  if (header)
    return SGR_BOLD;
  word = style->words != NULL ? name_find (style->words, cell) : NULL;
  return word != NULL ? (int) word->value : SGR_NONE;
}

/* Adds @cell and fills up to @width. */
static void
add_cell (GString *out, const char *cell, gsize width, int colour)
{
  gsize length = strlen (cell);

  if (colour != SGR_NONE)
    g_string_append_printf (out, "\033[%dm%s\033[0m", colour, cell);
  else
    g_string_append (out, cell);
  g_string_append_printf (out, "%*s", length < width ? (int) (width - length) : 0, "");
}

void
table_print (const GPtrArray *cells, guint n_columns, const TableStyle *style)
{
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_free);
  g_autofree gsize *widths = g_new0 (gsize, n_columns);
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < cells->len; i++)
    {
      char *cell = error_escape (g_ptr_array_index (cells, i));
      gsize width = strlen (cell) + GAP;

      widths[i % n_columns] = MAX (widths[i % n_columns], MAX (width, MIN_WIDTH));
      g_ptr_array_add (shown, cell);
    }
  for (guint i = 0; i < shown->len; i++)
    {
      const char *cell = g_ptr_array_index (shown, i);
      gboolean last = i % n_columns == n_columns - 1;
      int colour = cell_colour (style, cell, style->header && i < n_columns);

      add_cell (out, cell, last ? 0 : widths[i % n_columns], colour);
      if (last)
        g_string_append_c (out, '\n');
    }
  (void) fwrite (out->str, 1, out->len, stdout);
}

void
table_print_header (const char *line, gboolean coloured)
{
  (void) printf (coloured ? "\033[1m%s\033[0m\n" : "%s\n", line);
}
