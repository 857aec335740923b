/* Tables for people: columns as wide as their longest cell. */
#pragma once

#include <glib.h>

/* Prints @cells (of char *), row by row of @n_columns each. Control characters are escaped. */
void table_print (const GPtrArray *cells, guint n_columns);
