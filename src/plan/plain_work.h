/* Putting the plain command together: what the files of plain share. */
#pragma once

#include "plan/plain.h"

/* What a mount becomes. */
typedef enum {
  PLAIN_NOTHING,
  PLAIN_BIND,
  PLAIN_PROC,
  PLAIN_SYSFS,   /* the host's, bound */
  PLAIN_DEV,     /* bwrap's own /dev */
  PLAIN_TMPFS,
  PLAIN_DEVPTS,  /* part of PLAIN_DEV */
  PLAIN_MQUEUE,
  PLAIN_CGROUP,  /* the host's, bound */
} PlainKind;

/* Something that the command puts somewhere. */
typedef struct {
  char *pointer;
  char *target;
  const PathFacts *path;      /* what is there before */
  const SourceFacts *source;  /* NULL: it is nothing of the host that was looked at */
  guint64 filesystem;         /* f_type of statfs(2); 0: not known */
  gboolean directory;
  gboolean read_only;
} PlainPoint;

typedef struct {
  const OciSpec *spec;
  const HostFacts *facts;
  const CgroupPlan *cgroup; /* the container's; NULL: it is run by hand */
  const GArray *gid_map;    /* of IdMapLine; only with @cgroup */
  GPtrArray *points;        /* of PlainPoint; NULL: not wanted */
  Plain *plain;
  char **targets;   /* normalised destinations, by index of spec->mounts */
  GArray *left_out; /* of gboolean, as far as mounts have been added: this one was not */
} PlainWork;

/* Makes work->plain with what concerns files: the root, mounts, devices, protected paths.
 * The caller frees it, in any case. */
gboolean plain_fill (PlainWork *work, GError **error);

/* Keeps a copy of @point, if that is wanted; its strings are not taken. */
void plain_point (const PlainWork *work, const PlainPoint *point);

/* Returns an array that takes PlainPoint. Transfer: full. */
GPtrArray *plain_points_new (void);

/* Adds one option with its values, up to NULL. */
void plain_add (Plain *plain, const char *option, ...) G_GNUC_NULL_TERMINATED;

/* Notes that what stands at @pointer is lost. */
void plain_lose (Plain *plain, const char *pointer, const char *message, ...)
  G_GNUC_PRINTF (3, 4);

/* Notes that what stands at @pointer is not to the letter, but as in every container. */
void plain_differ (Plain *plain, const char *pointer, const char *message, ...)
  G_GNUC_PRINTF (3, 4);

/* What was found at the path that @pointer asks for. Transfer: none. */
const PathFacts *plain_path (const PlainWork *work, const char *pointer);

/* Whether what was found at @path is what will be there. */
gboolean plain_is_known (const PlainWork *work, const PathFacts *path);

/* Returns the path on the host of what @path was found to be; only for those that are looked up
 * there. Transfer: full. */
char *plain_path_on_host (const PlainWork *work, const PathFacts *path);

/* Whether bwrap may be given @path, where @facts were found, as the destination of what stands at
 * @pointer, which it makes where it is missing; says what is lost if not. */
gboolean plain_check_target (const PlainWork *work, const PathFacts *facts, const char *pointer,
                             const char *path);

/* The destinations of the mounts, normalised; NULL-terminated. Transfer: full. */
char **plain_targets (const OciSpec *spec);

/* What the mount @index becomes. */
PlainKind plain_kind (const OciSpec *spec, char *const *targets, guint index);

/* Whether the container has a namespace of @type that is not the caller's. */
gboolean plain_has_namespace (const OciSpec *spec, int type);

/* Returns what of @path follows directory @dir, "" for @dir itself, or NULL if it is elsewhere. */
const char *plain_below (const char *path, const char *dir);

/* The chapters. */
gboolean plain_mounts (PlainWork *work, GError **error);
void plain_devices (PlainWork *work);
void plain_paths_protected (PlainWork *work);

/* The devices that are there without being asked for; NULL-terminated. */
extern const char *const plain_default_devices[];
