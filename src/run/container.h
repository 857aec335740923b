/* One container: its directory, its lock, its records, its status.
 *
 * mkdirat() decides who creates an id; the lock on the directory's descriptor serialises all
 * that change the container afterwards. Who only reads (state, list, kill) takes no lock: each
 * file is replaced whole.
 *
 * Files in the directory:
 *   state.json  the record; there from "created" on
 *   init        the first process; there from its birth on
 *   gate        the socket the waiting init listens on; there from before its birth until start
 *   cgroup      what was made for it there; from before it is made on
 *   fuse        the processes that serve its overlays, if the kernel does not; a line each as in
 *               init, there from before they do anything on
 *   layer       a folder: the writable layer over the root file system, if it is to be there
 *   config.json, seccomp  what launch keeps for exec and the hooks
 * Who adds one adds its name to the list in container.c, by which the files are removed. */
#pragma once

#include "run/record.h"
#include "run/store.h"
#include "spec/spec.h"

#define CONTAINER_GATE_FILE "gate"
#define CONTAINER_CGROUP_FILE "cgroup"
#define CONTAINER_FUSE_FILE "fuse"
#define CONTAINER_LAYER_FOLDER "layer"
#define CONTAINER_CONFIG_FILE "config.json"
#define CONTAINER_SECCOMP_FILE "seccomp"

typedef enum {
  CONTAINER_CREATING,
  CONTAINER_CREATED,
  CONTAINER_RUNNING,
  CONTAINER_PAUSED,
  CONTAINER_STOPPED,
  CONTAINER_BROKEN,   /* its records cannot be trusted; only delete --force touches it */
} ContainerStatus;

typedef struct {
  const Store *store;       /* not owned */
  char *id;
  int fd;                   /* of its directory */
  uid_t owner;              /* of its directory */
  ContainerRecord *record;  /* NULL: none (yet), or broken */
  InitRecord init;          /* pid 0: none (yet), or broken */
  GError *problem;          /* why a record is broken; NULL: none is */
  GError *blind;            /* why something could not be looked at; NULL: all could */
  gboolean saved;           /* the record is on disk */
  gboolean locked;
} Container;

/* Makes the directory of @id, with the lock held and a new record that is not on disk yet. Fails
 * if the id is in use. The caller fills the record and, should it fail later, calls
 * container_remove(). Transfer: full. */
Container *container_create (const Store *store, const char *id, GError **error);

/* Opens container @id, with the lock held if @locked, and reads its records; *@ret_container is
 * NULL if there is no such container. Transfer: full. */
gboolean container_find (const Store *store, const char *id, gboolean locked,
                         Container **ret_container, GError **error);

/* Opens container @id without the lock and reads its records; broken ones are no error here (see
 * problem). "container does not exist" if there is none. Transfer: full. */
Container *container_open (const Store *store, const char *id, GError **error);

/* As container_open() with the lock held, for which it waits up to ten seconds: somebody else may
 * be creating or starting it. Transfer: full. */
Container *container_open_locked (const Store *store, const char *id, GError **error);

/* Lets go of the lock, also for forked children that inherited it. */
void container_unlock (Container *container);

/* Takes the lock again. *@ret_there is FALSE if the container has been removed meanwhile; another
 * one may have its id. */
gboolean container_lock_again (Container *container, gboolean *ret_there, GError **error);

/* Closes the container, which gives the lock back too. */
void container_free (Container *container);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Container, container_free)

/* The status now. Where it cannot be told it is "broken" too: then container_check() says why. */
ContainerStatus container_status (Container *container);

/* Returns "creating", "created", "running", "paused", "stopped", "broken". */
const char *container_status_name (ContainerStatus status);

/* Whether a container of this status has a process. */
gboolean container_status_is_alive (ContainerStatus status);

/* Fails, saying why, where the records are broken or not there. */
gboolean container_check (const Container *container, GError **error);

/* Opens a pidfd of the init; *@ret_pidfd is -1 if it does not live (any more). */
gboolean container_pidfd (const Container *container, int *ret_pidfd, GError **error);

/* Records @pid, a child of the caller, as the init: on disk and in @container. */
gboolean container_set_init (Container *container, pid_t pid, GError **error);

/* Writes the record: from now on the container is "created". */
gboolean container_save (Container *container, GError **error);

/* Writes a file of @length bytes beside the record, whole or not at all. The name must be one
 * of those that container_remove() knows. */
gboolean container_write (Container *container, const char *name, const void *data, gsize length,
                          GError **error);

/* Reads the copy of the configuration that the container was made of. Transfer: full. */
OciSpec *container_spec (const Container *container, GError **error);

/* Makes the gate; returns its listening socket, which the init inherits; -1 on error. */
int container_gate_listen (Container *container, GError **error);

/* Connects to the gate; *@ret_socket is -1 where nobody listens (any more). */
gboolean container_gate_connect (const Container *container, int *ret_socket, GError **error);

/* Looks whether the init waits at the gate. */
gboolean container_gate_look (const Container *container, gboolean *ret_waits, GError **error);

/* Removes the gate, if there is one: the container has been started. */
gboolean container_gate_remove (Container *container, GError **error);

/* Removes the cgroups, the files and the directory. Only names of ours are touched. The lock must
 * be held; no process may be left outside the cgroups. */
gboolean container_remove (Container *container, GError **error);
