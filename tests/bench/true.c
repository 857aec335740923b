/* The program in the containers: ends at once, or with an argument waits for its end. */
#include <unistd.h>

int
main (int argc, char **argv)
{
  (void) argv;
  while (argc > 1)
    (void) pause ();
  return 0;
}
