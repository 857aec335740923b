/* Fuzz targets: what reads bytes that somebody else wrote, and what must hold of it whatever they
 * are. Each takes an input and ends the process if something does not.
 *
 * fuzz.c gives them to libFuzzer; replay.c runs the inputs below seeds/, as a test of any build.
 * Every input that ever broke something is there. */
#pragma once

#include <glib.h>

typedef void FuzzFunction (const char *data, gsize size);

typedef struct {
  const char *name;  /* also of its folder below seeds/ */
  FuzzFunction *function;
  const char *about;
} FuzzTarget;

/* All targets; the last row has a NULL name. */
extern const FuzzTarget fuzz_targets[];

/* Returns the target @name, or NULL. */
const FuzzTarget *fuzz_find (const char *name);

/* Checks that @error is what may be shown: one line of UTF-8 without control characters. */
void fuzz_check_error (const GError *error);

/* The targets by file. */
FuzzFunction fuzz_config, fuzz_process;                    /* config.c */
FuzzFunction fuzz_filter;                                  /* filter.c */
FuzzFunction fuzz_ops, fuzz_report, fuzz_passwd;           /* init.c */
FuzzFunction fuzz_record, fuzz_subid, fuzz_words, fuzz_options;  /* text.c */
FuzzFunction fuzz_walk;                                    /* walk.c */
