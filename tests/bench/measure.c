/* Times series of commands, one round of each after the other, so that whatever else the machine
 * does falls on all of them alike.
 *
 *   measure rounds N FILE      one after the other
 *   measure parallel N FILE    N at once, series by series, PARALLEL_ROUNDS times
 *   measure memory FILE        what stays: the processes below us once the commands are through
 *
 * FILE has a line for each thing to do, its words separated by tabs; "%i" in a word is an id that
 * no other round has:
 *
 *   series NAME
 *   step WORD...         a command that must succeed; it is timed
 *   background WORD...   the same, not waited for
 *   reap                 waits until everything that was left to us has ended
 *   after WORD...        not timed, may fail
 *
 * Output: lines of "rounds SERIES ROUND MS CPU-MS PEAK-KB", "parallel SERIES N MS CPU-MS",
 * "memory SERIES PROCESS PSS-KB". This process is a subreaper as engines' monitors are. */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERIES_MAX 32
#define STEPS_MAX 8
#define WORDS_MAX 64
#define PROCESSES_MAX 4096
#define SETTLE_MS 300     /* after which only what stays is there */
#define REAP_SECONDS 20
#define PARALLEL_ROUNDS 15

typedef struct {
  enum { STEP, BACKGROUND, REAP, AFTER } kind;
  char *words[WORDS_MAX];
} Step;

typedef struct {
  const char *name;
  Step steps[STEPS_MAX];
  int n_steps;
} Series;

/* What one round cost. */
typedef struct {
  double ms;
  double cpu_ms;
  long peak_kb;
} Cost;

static FILE *output;

static _Noreturn void __attribute__ ((format (printf, 1, 2)))
die (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  (void) fputs ("measure: ", stderr);
  (void) vfprintf (stderr, format, args);
  (void) fputc ('\n', stderr);
  va_end (args);
  exit (1);
}

static double
now_ms (void)
{
  struct timespec now;

  (void) clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static double
cpu_ms (const struct rusage *usage)
{
  return (double) (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3
         + (double) (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/* CPU time of everything below us that was waited for. */
static double
children_cpu_ms (void)
{
  struct rusage usage;

  (void) getrusage (RUSAGE_CHILDREN, &usage);
  return cpu_ms (&usage);
}

static void
sleep_ms (long ms)
{
  struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

  while (nanosleep (&time, &time) < 0 && errno == EINTR)
    ;
}

/* --- the file -------------------------------------------------------------- */

static int
read_series (const char *path, Series *all)
{
  FILE *file = fopen (path, "re");
  char *line = NULL;
  size_t size = 0;
  int n = 0;

  if (file == NULL)
    die ("%s: %s", path, strerror (errno));
  while (getline (&line, &size, file) > 0)
    {
      char *rest = strdup (line), *word = strsep (&rest, "\t\n");
      Step *step;
      int words = 0;

      if (strcmp (word, "series") == 0 && n < SERIES_MAX)
        {
          all[n++].name = strsep (&rest, "\t\n");
          continue;
        }
      if (n == 0 || all[n - 1].n_steps == STEPS_MAX)
        die ("%s: not expected: %s", path, line);
      step = &all[n - 1].steps[all[n - 1].n_steps++];
      step->kind = strcmp (word, "step") == 0         ? STEP
                   : strcmp (word, "background") == 0 ? BACKGROUND
                   : strcmp (word, "reap") == 0       ? REAP
                                                      : AFTER;
      while (words < WORDS_MAX - 1 && (word = strsep (&rest, "\t\n")) != NULL)
        if (*word != '\0')
          step->words[words++] = word;
    }
  (void) fclose (file);
  free (line);
  return n;
}

/* --- running --------------------------------------------------------------- */

/* @word with "%i" replaced by @id. */
static char *
fill_in (const char *word, const char *id)
{
  const char *mark = strstr (word, "%i");
  char *text;

  if (mark == NULL)
    return strdup (word);
  if (asprintf (&text, "%.*s%s%s", (int) (mark - word), word, id, mark + 2) < 0)
    die ("out of memory");
  return text;
}

/* As engines do it: without a copy of our own memory, which would be in every figure. */
static pid_t
start (const Step *step, const char *id)
{
  char *argv[WORDS_MAX] = { NULL };
  pid_t pid;
  int error;

  for (int i = 0; step->words[i] != NULL; i++)
    argv[i] = fill_in (step->words[i], id);
  error = posix_spawn (&pid, argv[0], NULL, NULL, argv, environ);
  if (error != 0)
    die ("%s: %s", argv[0], strerror (error));
  for (int i = 0; argv[i] != NULL; i++)
    free (argv[i]);
  return pid;
}

static void
finish (const Series *series, const Step *step, pid_t pid, Cost *cost)
{
  struct rusage usage;
  int status;

  while (wait4 (pid, &status, 0, &usage) < 0)
    if (errno != EINTR)
      die ("wait: %s", strerror (errno));
  if (status != 0 && step->kind != AFTER)
    die ("%s: %s %s failed with status %x", series->name, step->words[0], step->words[1], status);
  if (cost != NULL && usage.ru_maxrss > cost->peak_kb)
    cost->peak_kb = usage.ru_maxrss;
}

/* Waits for all that is left; SIGALRM ends us if it does not end. */
static void
reap (void)
{
  (void) alarm (REAP_SECONDS);
  while (waitpid (-1, NULL, 0) > 0 || errno == EINTR)
    ;
  (void) alarm (0);
}

/* What is timed of @series. */
static void
run_steps (const Series *series, const char *id, Cost *cost)
{
  for (int i = 0; i < series->n_steps; i++)
    {
      const Step *step = &series->steps[i];

      if (step->kind == REAP)
        reap ();
      else if (step->kind == BACKGROUND)
        (void) start (step, id);
      else if (step->kind == STEP)
        finish (series, step, start (step, id), cost);
    }
}

static void
run_after (const Series *series, const char *id)
{
  for (int i = 0; i < series->n_steps; i++)
    if (series->steps[i].kind == AFTER)
      finish (series, &series->steps[i], start (&series->steps[i], id), NULL);
}

static char *
new_id (void)
{
  static int count;
  char *id;

  if (asprintf (&id, "bench-%d-%d", (int) getpid (), count++) < 0)
    die ("out of memory");
  return id;
}

static void
rounds (const Series *all, int n_series, int n_rounds)
{
  for (int round = -1; round < n_rounds; round++)
    for (int i = 0; i < n_series; i++)
      {
        /* another one begins each round; the first round only warms up */
        const Series *series = &all[(i + round + 1) % n_series];
        Cost cost = { 0 };
        double cpu = children_cpu_ms (), began = now_ms ();
        char *id = new_id ();

        run_steps (series, id, &cost);
        cost.ms = now_ms () - began;
        run_after (series, id);
        reap ();
        cost.cpu_ms = children_cpu_ms () - cpu;
        if (round >= 0)
          (void) fprintf (output, "rounds\t%s\t%d\t%.3f\t%.3f\t%ld\n", series->name, round,
                          cost.ms, cost.cpu_ms, cost.peak_kb);
        free (id);
      }
}

/* Starts @n of @series, which is one step, at once and waits for them. */
static void
at_once (const Series *series, int n)
{
  double cpu = children_cpu_ms (), began = now_ms ();
  pid_t started[PROCESSES_MAX];

  if (series->n_steps != 1 || series->steps[0].kind != STEP || n > PROCESSES_MAX)
    die ("%s: only one step can be taken at once, %d times", series->name, PROCESSES_MAX);
  for (int k = 0; k < n; k++)
    {
      char *id = new_id ();

      started[k] = start (&series->steps[0], id);
      free (id);
    }
  for (int k = 0; k < n; k++)
    finish (series, &series->steps[0], started[k], NULL);
  (void) fprintf (output, "parallel\t%s\t%d\t%.3f\t%.3f\n", series->name, n,
                  now_ms () - began, children_cpu_ms () - cpu);
  reap ();
}

static void
parallel (const Series *all, int n_series, int n)
{
  /* another one begins each round: the kernel is still clearing up behind the one before */
  for (int round = 0; round < PARALLEL_ROUNDS; round++)
    for (int i = 0; i < n_series; i++)
      at_once (&all[(i + round) % n_series], n);
}

/* --- memory ---------------------------------------------------------------- */

typedef struct {
  pid_t pid, parent;
  char state;
  char name[32];
} Process;

static bool
read_process (const char *pid, Process *process)
{
  char path[300], text[512], *open, *close;
  FILE *file;
  size_t n;

  (void) snprintf (path, sizeof path, "/proc/%s/stat", pid);
  file = fopen (path, "re");
  if (file == NULL)
    return false;
  n = fread (text, 1, sizeof text - 1, file);
  (void) fclose (file);
  text[n] = '\0';
  open = strchr (text, '(');
  close = strrchr (text, ')');
  if (open == NULL || close == NULL)
    return false;
  *process = (Process) { .pid = atoi (pid) };
  (void) snprintf (process->name, sizeof process->name, "%.*s", (int) (close - open - 1), open + 1);
  return sscanf (close + 2, "%c %d", &process->state, &process->parent) == 2;
}

/* Finds all processes below us that live. */
static int
find_descendants (Process *found)
{
  static Process all[PROCESSES_MAX];
  DIR *dir = opendir ("/proc");
  struct dirent *entry;
  int n = 0, n_found = 0;

  while (dir != NULL && n < PROCESSES_MAX && (entry = readdir (dir)) != NULL)
    if (*entry->d_name >= '1' && *entry->d_name <= '9' && read_process (entry->d_name, &all[n])
        && strchr ("ZX", all[n].state) == NULL)
      n++;
  if (dir != NULL)
    (void) closedir (dir);
  /* children of us, then children of those, and so on */
  for (int parent = -1; parent < n_found; parent++)
    for (int i = 0; i < n; i++)
      if (all[i].parent == (parent < 0 ? getpid () : found[parent].pid))
        found[n_found++] = all[i];
  return n_found;
}

/* The proportional set size of @pid in KiB; -1 if it may not be read. */
static long
read_pss (pid_t pid)
{
  char path[64], line[256];
  long pss = -1;
  FILE *file;

  (void) snprintf (path, sizeof path, "/proc/%d/smaps_rollup", (int) pid);
  file = fopen (path, "re");
  while (file != NULL && fgets (line, sizeof line, file) != NULL)
    if (sscanf (line, "Pss: %ld", &pss) == 1)
      break;
  if (file != NULL)
    (void) fclose (file);
  return pss;
}

static void
memory (const Series *all, int n_series)
{
  static Process found[PROCESSES_MAX];

  for (int i = 0; i < n_series; i++)
    {
      char *id = new_id ();
      int n;

      run_steps (&all[i], id, NULL);
      sleep_ms (SETTLE_MS);
      n = find_descendants (found);
      for (int k = 0; k < n; k++)
        (void) fprintf (output, "memory\t%s\t%s\t%ld\n", all[i].name, found[k].name,
                        read_pss (found[k].pid));
      run_after (&all[i], id);
      n = find_descendants (found);
      for (int k = 0; k < n; k++)
        (void) kill (found[k].pid, SIGKILL);
      reap ();
      free (id);
    }
}

int
main (int argc, char **argv)
{
  static Series all[SERIES_MAX];
  const char *mode = argc > 1 ? argv[1] : "";
  int n, null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  if (argc != (strcmp (mode, "memory") == 0 ? 3 : 4))
    die ("usage: measure rounds|parallel N FILE, or measure memory FILE");
  if (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    die ("PR_SET_CHILD_SUBREAPER: %s", strerror (errno));
  /* ours alone: what the commands say is not looked at, but for errors */
  output = fdopen (fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
  if (output == NULL || dup2 (null, STDIN_FILENO) < 0 || dup2 (null, STDOUT_FILENO) < 0)
    die ("/dev/null: %s", strerror (errno));
  (void) setvbuf (output, NULL, _IOLBF, 0);
  n = read_series (argv[argc - 1], all);
  if (strcmp (mode, "rounds") == 0)
    rounds (all, n, atoi (argv[2]));
  else if (strcmp (mode, "parallel") == 0)
    parallel (all, n, atoi (argv[2]));
  else
    memory (all, n);
  return 0;
}
