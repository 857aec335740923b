/* Exchanges names COUNT times, or (0) as fast as can be until it is killed:
 * exchange COUNT A B [A B]... */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int
main (int argc, char **argv)
{
  int count = argc > 1 ? atoi (argv[1]) : 0;

  for (int round = 0; count == 0 || round < count; round++)
    for (int i = 2; i + 1 < argc; i += 2)
      if (renameat2 (AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE) < 0)
        {
          perror (argv[i]);
          return 1;
        }
  return 0;
}
