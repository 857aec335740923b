/* Being asked to stop while a container is made, or while we wait for a program of somebody
 * else's, which may never end: then that program is to go first, and what it was for is to be
 * undone.
 *
 * Interrupts nest: what is taken by an inner one is an error that the outer one's owner sees. */
#pragma once

#include <glib.h>
#include <signal.h>

/* Start it with INTERRUPT_INIT. */
typedef struct {
  int fd;        /* of the signals; -1: not open */
  sigset_t old;  /* the mask that there was */
} Interrupt;

#define INTERRUPT_INIT { .fd = -1 }

/* How long a program may take for what is a matter of milliseconds; one that asks a directory
 * server may need some of it. */
#define INTERRUPT_ANSWER_MS 60000

/* Holds back the signals that ask us to end. A hangup that we ignore, under nohup(1), does not. */
gboolean interrupt_open (Interrupt *interrupt, GError **error);

/* Takes a signal that has come; fails, naming it, if there is one. Here and below an @interrupt
 * that is NULL never comes. */
gboolean interrupt_check (const Interrupt *interrupt, GError **error);

/* Waits until @fd can be read; fails if a signal comes before. One that has come meanwhile is still
 * there to be taken. */
gboolean interrupt_wait (const Interrupt *interrupt, int fd, GError **error);

/* The same for at most INTERRUPT_ANSWER_MS; then @whom, a program, is said not to answer. */
gboolean interrupt_await (const Interrupt *interrupt, int fd, const char *whom, GError **error);

/* What comes from now on comes too late to change what is said of the work: it is held back until
 * this process ends, and interrupt_close() does nothing more. */
void interrupt_seal (Interrupt *interrupt);

/* Lets signals through again; one that nobody has taken acts now. */
void interrupt_close (Interrupt *interrupt);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Interrupt, interrupt_close)
