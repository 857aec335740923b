/* Exchanges names COUNT times, or (0) as fast as can be until it is killed:
 * exchange COUNT A B [A B]...
 * With -m mounts A over B and takes it away again: exchange -m A B [A B]... */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

static int
change (const char *a, const char *b)
{
  if (renameat2 (AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
    return 1;
  perror (a);
  return 0;
}

static int
cover (const char *a, const char *b)
{
  if (mount (a, b, NULL, MS_BIND, NULL) == 0 && umount2 (b, MNT_DETACH) == 0)
    return 1;
  perror (b);
  return 0;
}

int
main (int argc, char **argv)
{
  int mounts = argc > 1 && strcmp (argv[1], "-m") == 0;
  int count = argc > 1 && !mounts ? atoi (argv[1]) : 0;

  for (int round = 0; count == 0 || round < count; round++)
    for (int i = 2; i + 1 < argc; i += 2)
      if (!(mounts ? cover : change) (argv[i], argv[i + 1]))
        return 1;
  return 0;
}
