/* Being asked to stop while we wait for a program of somebody else's, which may never end: then
 * that program is to go first, and what it was for is to be undone. */
#pragma once

#include <glib.h>
#include <signal.h>

/* Start it with INTERRUPT_INIT. */
typedef struct {
  int fd;        /* of the signals; -1: not open */
  sigset_t old;  /* the mask that there was */
} Interrupt;

#define INTERRUPT_INIT { .fd = -1 }

/* Holds back the signals that ask us to end. */
gboolean interrupt_open (Interrupt *interrupt, GError **error);

/* Takes a signal that has come; fails, naming it, if there is one. */
gboolean interrupt_check (const Interrupt *interrupt, GError **error);

/* Waits until @fd can be read; fails if a signal comes before. */
gboolean interrupt_wait (const Interrupt *interrupt, int fd, GError **error);

/* Lets signals through again; one that nobody has taken acts now. */
void interrupt_close (Interrupt *interrupt);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Interrupt, interrupt_close)
