/* What is on record about a container, as the two small files in its directory.
 *
 * "state.json" holds everything that was given at create, because callers never repeat it. It is
 * there if and only if the create got as far as "created". "init" is one line that names the
 * container's first process; it is written as soon as there is one, so that the process can be
 * ended whatever becomes of the rest. Both are bound to their boot and their version: a torn,
 * empty or alien record is broken, and nothing in it is used. */
#pragma once

#include "json/field.h"
#include "plan/cgroup.h"

#include <sys/types.h>

#define RECORD_VERSION 1

extern const Name record_cgroup_managers[];  /* "cgroupfs", "systemd", "disabled" */

/* state.json. Who adds a member adds a row in record.c; the row writes it too. */
typedef struct {
  OptUint32 version;
  char *id;
  char *oci_version;       /* of the configuration */
  char *bundle;            /* absolute */
  char *rootfs;            /* absolute */
  char *created;           /* RFC 3339, UTC, nanoseconds */
  OptUint32 owner;         /* uid of who created it */
  GPtrArray *annotations;  /* of OciPair; NULL: none */
  char *layer;             /* the folder that its layer is kept in; NULL: none */
  char *bwrap;             /* absolute path of the bubblewrap that was used */
  int cgroup_manager;      /* CgroupManager */
  char *cgroup;            /* the cgroup that was made for it and goes with it; NULL: none */
  OptBool own_pid_ns;      /* its init is pid 1 */
  OptBool no_new_privs;
  OptBool plain;           /* --mode=plain */
  OptBool terminal;
  OptBool no_process;      /* there is nothing to start */
  OptBool hooks;           /* there are some that run after create */
  char *notify_socket;     /* where the program's notifications are passed on to; NULL: nowhere */
} ContainerRecord;

extern const FieldType record_type;

/* A new record with its version, owner and time of creation set. Transfer: full. */
ContainerRecord *record_new (const char *id);

void record_free (ContainerRecord *record);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContainerRecord, record_free)

/* Reads the contents of a state.json, which must be the one of container @id. Transfer: full. */
ContainerRecord *record_parse (const char *text, gsize length, const char *id, GError **error);

/* Returns @record as one line of JSON with its newline. Transfer: full. */
GString *record_format (const ContainerRecord *record);

/* The container's first process. */
typedef struct {
  pid_t pid;            /* 0: none on record */
  guint64 start_time;   /* as ProcStat */
  char boot_id[40];
  ino_t pid_ns;         /* inodes of its namespaces */
  ino_t mount_ns;
} InitRecord;

/* Fills @ret_init for the live process @pid, which the caller must be sure of (it is its parent,
 * or holds its pidfd). */
gboolean init_record_take (pid_t pid, InitRecord *ret_init, GError **error);

/* Reads the contents of an "init" file. */
gboolean init_record_parse (const char *text, gsize length, InitRecord *ret_init, GError **error);

/* Returns @init as one line with its newline. Transfer: full. */
char *init_record_format (const InitRecord *init);

typedef enum {
  INIT_GONE,   /* no such process, or a zombie, or another process's number by now */
  INIT_ENDS,   /* it still holds this and that */
  INIT_LIVES,
} InitLife;

/* Looks at the process of @init, once. */
gboolean init_record_look (const InitRecord *init, InitLife *ret_life, GError **error);

/* Opens a pidfd for the process of @init. *@ret_pidfd is -1 if there is no such process, if it has
 * ended (a zombie has), or if its number is another process's by now. */
gboolean init_record_pidfd (const InitRecord *init, int *ret_pidfd, GError **error);
