/* Names of the kernel's numbers; see names.h. */
#include "config.h"

#include "base/names.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

const Name name_rlimits[] = {
  { "RLIMIT_AS", RLIMIT_AS },
  { "RLIMIT_CORE", RLIMIT_CORE },
  { "RLIMIT_CPU", RLIMIT_CPU },
  { "RLIMIT_DATA", RLIMIT_DATA },
  { "RLIMIT_FSIZE", RLIMIT_FSIZE },
  { "RLIMIT_LOCKS", RLIMIT_LOCKS },
  { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
  { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
  { "RLIMIT_NICE", RLIMIT_NICE },
  { "RLIMIT_NOFILE", RLIMIT_NOFILE },
  { "RLIMIT_NPROC", RLIMIT_NPROC },
  { "RLIMIT_RSS", RLIMIT_RSS },
  { "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
  { "RLIMIT_RTTIME", RLIMIT_RTTIME },
  { "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
  { "RLIMIT_STACK", RLIMIT_STACK },
  { NULL, 0 },
};

/* capability.h's order; the row's index is the number */
const Name name_capabilities[] = {
  { "CAP_CHOWN", 0 },
  { "CAP_DAC_OVERRIDE", 1 },
  { "CAP_DAC_READ_SEARCH", 2 },
  { "CAP_FOWNER", 3 },
  { "CAP_FSETID", 4 },
  { "CAP_KILL", 5 },
  { "CAP_SETGID", 6 },
  { "CAP_SETUID", 7 },
  { "CAP_SETPCAP", 8 },
  { "CAP_LINUX_IMMUTABLE", 9 },
  { "CAP_NET_BIND_SERVICE", 10 },
  { "CAP_NET_BROADCAST", 11 },
  { "CAP_NET_ADMIN", 12 },
  { "CAP_NET_RAW", 13 },
  { "CAP_IPC_LOCK", 14 },
  { "CAP_IPC_OWNER", 15 },
  { "CAP_SYS_MODULE", 16 },
  { "CAP_SYS_RAWIO", 17 },
  { "CAP_SYS_CHROOT", 18 },
  { "CAP_SYS_PTRACE", 19 },
  { "CAP_SYS_PACCT", 20 },
  { "CAP_SYS_ADMIN", 21 },
  { "CAP_SYS_BOOT", 22 },
  { "CAP_SYS_NICE", 23 },
  { "CAP_SYS_RESOURCE", 24 },
  { "CAP_SYS_TIME", 25 },
  { "CAP_SYS_TTY_CONFIG", 26 },
  { "CAP_MKNOD", 27 },
  { "CAP_LEASE", 28 },
  { "CAP_AUDIT_WRITE", 29 },
  { "CAP_AUDIT_CONTROL", 30 },
  { "CAP_SETFCAP", 31 },
  { "CAP_MAC_OVERRIDE", 32 },
  { "CAP_MAC_ADMIN", 33 },
  { "CAP_SYSLOG", 34 },
  { "CAP_WAKE_ALARM", 35 },
  { "CAP_BLOCK_SUSPEND", 36 },
  { "CAP_AUDIT_READ", 37 },
  { "CAP_PERFMON", 38 },
  { "CAP_BPF", 39 },
  { "CAP_CHECKPOINT_RESTORE", 40 },
  { NULL, 0 },
};

static const Name signals[] = {
  { "HUP", SIGHUP },     { "INT", SIGINT },       { "QUIT", SIGQUIT },  { "ILL", SIGILL },
  { "TRAP", SIGTRAP },   { "ABRT", SIGABRT },     { "IOT", SIGIOT },    { "BUS", SIGBUS },
  { "FPE", SIGFPE },     { "KILL", SIGKILL },     { "USR1", SIGUSR1 },  { "SEGV", SIGSEGV },
  { "USR2", SIGUSR2 },   { "PIPE", SIGPIPE },     { "ALRM", SIGALRM },  { "TERM", SIGTERM },
  { "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD },   { "CLD", SIGCHLD },   { "CONT", SIGCONT },
  { "STOP", SIGSTOP },   { "TSTP", SIGTSTP },     { "TTIN", SIGTTIN },  { "TTOU", SIGTTOU },
  { "URG", SIGURG },     { "XCPU", SIGXCPU },     { "XFSZ", SIGXFSZ },  { "VTALRM", SIGVTALRM },
  { "PROF", SIGPROF },   { "WINCH", SIGWINCH },   { "IO", SIGIO },      { "POLL", SIGPOLL },
  { "PWR", SIGPWR },     { "SYS", SIGSYS },       { NULL, 0 },
};

const Name *
name_find (const Name *table, const char *name)
{
  for (; table->name != NULL; table++)
    if (strcmp (table->name, name) == 0)
      return table;
  return NULL;
}

const char *
name_of (const Name *table, gint64 value)
{
  for (; table->name != NULL; table++)
    if (table->value == value)
      return table->name;
  return NULL;
}

static int
number (const char *text, int base, int sign, int lowest, int highest)
{
  guint64 n;

  if (!g_ascii_string_to_unsigned (text, 10, 0, 255, &n, NULL))
    return -1;
  base += sign * (int) n;
  return base >= lowest && base <= highest ? base : -1;
}

int
name_to_signal (const char *text)
{
  g_autofree char *upper = g_ascii_strup (text, -1);
  const char *name = upper;
  const Name *row;

  if (g_ascii_isdigit (*name))
    return number (name, 0, 1, 0, SIGRTMAX);
  if (g_str_has_prefix (name, "SIG"))
    name += 3;
  if (strcmp (name, "RTMIN") == 0)
    return SIGRTMIN;
  if (strcmp (name, "RTMAX") == 0)
    return SIGRTMAX;
  if (g_str_has_prefix (name, "RTMIN+"))
    return number (name + 6, SIGRTMIN, 1, SIGRTMIN, SIGRTMAX);
  if (g_str_has_prefix (name, "RTMAX-"))
    return number (name + 6, SIGRTMAX, -1, SIGRTMIN, SIGRTMAX);
  row = name_find (signals, name);
  return row != NULL ? (int) row->value : -1;
}

char *
name_of_signal (int signal)
{
  const char *name = name_of (signals, signal);

  if (name != NULL)
    return g_strdup (name);
  if (signal >= SIGRTMIN && signal <= SIGRTMAX)
    return g_strdup_printf ("RTMIN+%d", signal - SIGRTMIN);
  return g_strdup_printf ("%d", signal);
}

char *
name_signal_words (int signal)
{
  char *words = g_strdup (strsignal (signal));

  words[0] = g_ascii_tolower (words[0]);
  return words;
}
