/* Options of the sanitizers, built into the programs of such a build: tests run them with an
 * environment of their own. */

const char *__asan_default_options (void);
const char *__ubsan_default_options (void);

/* The way to find callers that is not fast takes most of the time of a program, and finds no fault
 * that the fast one does not. GLib has no frame pointers: to see who called it, run what is at
 * fault with ASAN_OPTIONS=fast_unwind_on_malloc=0. */
const char *
__asan_default_options (void)
{
  return "detect_leaks=1";
}

const char *
__ubsan_default_options (void)
{
  return "print_stacktrace=1";
}
