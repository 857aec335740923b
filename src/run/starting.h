/* From "start" to the program: what the init still has to say. */
#pragma once

#include "run/container.h"
#include "run/interrupt.h"
#include "run/report.h"

typedef struct {
  const Container *container;
  pid_t pid;               /* the process that starts; 0: the container's first */
  const Interrupt *interrupt;  /* ends the wait */
  int notify;              /* where the program's notifications arrive; -1: nowhere */
} Starting;

/* Waits for the init, to which "start" was said on @socket, until the program runs, which is 0, or
 * it has failed or died, which is 1 with its *@ret_report. Returns -1 where we have. */
int starting_wait (Starting *starting, int socket, struct report *ret_report, GError **error);
