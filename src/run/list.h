/* All containers and how they are. */
#pragma once

#include "run/container.h"

typedef struct {
  char *id;
  ContainerStatus status;
  pid_t pid;                /* 0: no process */
  uid_t owner;              /* of its directory */
  ContainerRecord *record;  /* NULL: broken, or being created */
} ListEntry;

void list_entry_free (ListEntry *entry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ListEntry, list_entry_free)

/* Makes an entry of one container, whose record it takes. A container that is broken loses
 * nothing: its entry has none. Transfer: full. */
ListEntry *list_entry_take (Container *container);

/* Reads all containers of @store, in the order of their ids: an array of ListEntry. One that
 * cannot be read is an entry as well. Transfer: full. */
GPtrArray *list_containers (const Store *store, GError **error);

/* Returns the login name of @uid, or "#UID" where it has none. Transfer: full. */
char *list_owner_name (uid_t uid);
