/* Tables for people; see table.h. The widths are those of runc's tables, which some scripts cut. */
#include "config.h"

#include "cmd/table.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define MIN_WIDTH 12
#define GAP 3

void
table_print (const GPtrArray *cells, guint n_columns)
{
  g_autofree gsize *widths = g_new0 (gsize, n_columns);
  g_autoptr (GString) out = g_string_new (NULL);

  for (guint i = 0; i < cells->len; i++)
    {
      gsize width = strlen (g_ptr_array_index (cells, i)) + GAP;

      widths[i % n_columns] = MAX (widths[i % n_columns], MAX (width, MIN_WIDTH));
    }
  for (guint i = 0; i < cells->len; i++)
    {
      g_autofree char *cell = error_escape (g_ptr_array_index (cells, i));
      gboolean last = i % n_columns == n_columns - 1;

      g_string_append_printf (out, "%-*s%s", last ? 0 : (int) widths[i % n_columns], cell,
                              last ? "\n" : "");
    }
  (void) fwrite (out->str, 1, out->len, stdout);
}
