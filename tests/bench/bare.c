/* bubblewrap and nothing else: makes the namespaces, has newuidmap and then newgidmap write the
 * maps, and waits. What a runtime on top of bubblewrap costs is what it takes more than this.
 *
 *   bare [-n] BWRAP UID SUB-UID COUNT GID SUB-GID COUNT ROOTFS PROGRAM [ARGUMENT]
 *
 * Id 0 inside is UID, 1 and up are SUB-UID and up; groups alike. -n: in the caller's network. */
#define _GNU_SOURCE

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int
wait_for (pid_t pid)
{
  int status;

  if (waitpid (pid, &status, 0) < 0)
    return 1;
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

static void
write_map (const char *tool, char *pid, char **ids)
{
  char *argv[] = { (char *) tool, pid, (char *) "0", ids[0], (char *) "1",
                   (char *) "1",  ids[1], ids[2], NULL };
  pid_t child;

  if (posix_spawnp (&child, tool, NULL, NULL, argv, environ) != 0 || wait_for (child) != 0)
    {
      (void) fprintf (stderr, "bare: %s failed\n", tool);
      exit (1);
    }
}

/* Reads the information on @fd to the pid of the child. */
static void
read_pid (int fd, char pid[16])
{
  char text[1024] = "";
  size_t length = 0;
  ssize_t n;
  const char *found;

  while (length < sizeof text - 1 && memchr (text, '}', length) == NULL
         && (n = read (fd, text + length, sizeof text - 1 - length)) > 0)
    length += (size_t) n;
  text[length] = '\0';
  found = strstr (text, "\"child-pid\": ");
  if (found == NULL || sscanf (found, "\"child-pid\": %15[0-9]", pid) != 1)
    {
      (void) fprintf (stderr, "bare: bwrap says nothing of its child\n");
      exit (1);
    }
}

int
main (int argc, char **argv)
{
  int info[2], block[2];
  char info_number[16], block_number[16], pid[16];
  const char *network = "--unshare-net";
  pid_t child;

  if (argc > 1 && strcmp (argv[1], "-n") == 0)
    {
      network = "--unshare-pid";  /* once more */
      argc--;
      argv++;
    }
  if (argc < 10 || pipe2 (info, O_CLOEXEC) < 0 || pipe2 (block, O_CLOEXEC) < 0)
    return 1;
  /* bwrap's ends */
  (void) fcntl (info[1], F_SETFD, 0);
  (void) fcntl (block[0], F_SETFD, 0);
  (void) snprintf (info_number, sizeof info_number, "%d", info[1]);
  (void) snprintf (block_number, sizeof block_number, "%d", block[0]);

  char *words[] = { argv[1], (char *) "--unshare-user", (char *) "--unshare-pid",
                    (char *) network, (char *) "--unshare-ipc", (char *) "--unshare-uts",
                    (char *) "--as-pid-1", (char *) "--info-fd", info_number,
                    (char *) "--userns-block-fd", block_number, (char *) "--bind", argv[8],
                    (char *) "/", (char *) "--proc", (char *) "/proc", (char *) "--dev",
                    (char *) "/dev", (char *) "--", argv[9], argv[10], NULL };

  if (posix_spawn (&child, argv[1], NULL, NULL, words, environ) != 0)
    return 1;
  (void) close (info[1]);
  read_pid (info[0], pid);
  write_map ("newuidmap", pid, argv + 2);
  write_map ("newgidmap", pid, argv + 5);
  if (write (block[1], "\n", 1) != 1)
    return 1;
  return wait_for (child);
}
