/* Options of the sanitizers, built into the programs of such a build: tests run them with an
 * environment of their own. */

const char *__asan_default_options (void);
const char *__ubsan_default_options (void);

/* GLib has no frame pointers, so only the slow way shows who called it. */
const char *
__asan_default_options (void)
{
  return "detect_leaks=1:fast_unwind_on_malloc=0";
}

const char *
__ubsan_default_options (void)
{
  return "print_stacktrace=1";
}
