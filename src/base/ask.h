/* Asking bwrap-oci-gio, our program that loads what this one does without: GIO, and what the C
 * library and libsubid load by themselves. Its arguments are the question and its standard output
 * is the answer. */
#pragma once

#include <glib.h>

/* Asks @words: a command of the companion and its arguments. Returns the answer, without white
 * space at its end, and in @ret_status how the companion ended (wait(2)). Transfer: full. */
char *ask_companion (const GPtrArray *words, int *ret_status, GError **error);
