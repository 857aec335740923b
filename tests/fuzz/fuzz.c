/* Between libFuzzer and a target, which the argument --target=NAME names. */
#include "config.h"

#include "fuzz.h"

#include <stdint.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const FuzzTarget *chosen;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  char *words[] = { (*argv)[0], NULL }, **rest = words;
  int n_words = 1;

  /* only for g_test_build_filename() and fatal warnings; libFuzzer passes over words with two
   * dashes */
  g_test_init (&n_words, &rest, NULL);
  for (int i = 1; i < *argc; i++)
    if (g_str_has_prefix ((*argv)[i], "--target="))
      chosen = fuzz_find ((*argv)[i] + sizeof "--target=" - 1);
  if (chosen == NULL)
    g_error ("--target=NAME: no such target");
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  chosen->function ((const char *) data, size);
  return 0;
}
