/* Tables for people. */
#pragma once

#include "cmd/cmd.h"

typedef struct {
  gboolean header;    /* the first row says what the columns are */
  gboolean coloured;
  const Name *words;  /* the colour (an SGR number) of a cell with such a word; NULL: none */
} TableStyle;

/* Whether standard output is a terminal, and whether it may be coloured: it is one that can, and
 * nobody has said NO_COLOR (https://no-color.org). */
gboolean table_is_terminal (void);
gboolean table_is_coloured (const CmdContext *context);

/* Prints rows of @n_columns cells each, aligned: no control character of a cell gets through. */
void table_print (const GPtrArray *cells, guint n_columns, const TableStyle *style);

/* Prints one line in bold, if @coloured. */
void table_print_header (const char *line, gboolean coloured);
