/* The configuration as plain structs (runtime-spec 1.3, config.md and config-linux.md).
 *
 * What is in here has been checked as far as the file alone allows. The tables beside the structs
 * (json/field.h) say for each property whether it is done, ignored or refused. */
#pragma once

#include "json/field.h"
#include "spec/hooks.h"
#include "spec/linux.h"
#include "spec/mounts.h"
#include "spec/process.h"

/* The versions of the specification that are understood. */
#define OCI_VERSION_MIN "1.0.0"
#define OCI_VERSION_MAX "1.3.0"

/* Whether the program is a systemd that wants to be pid 1. */
typedef enum {
  SYSTEMD_NONE,
  SYSTEMD_LIKELY,   /* by its name, which others have too: /sbin/init */
  SYSTEMD_CERTAIN,
} OciSystemd;

typedef struct {
  char *oci_version;       /* never NULL: 1.x, or 0.3.0 and later */
  OciRoot *root;           /* never NULL */
  GPtrArray *mounts;       /* of OciMount, in order */
  OciProcess *process;     /* NULL: create works, start cannot */
  char *hostname;          /* NULL: absent or empty; at most 64 bytes */
  char *domainname;        /* the same */
  OciHooks *hooks;
  GPtrArray *annotations;  /* of OciPair */
  OciLinux *linux_;        /* never NULL; "linux" is a macro of the compiler */
  GPtrArray *notes;        /* of FieldNote: what is ignored and what is refused; never NULL */
  OciSystemd systemd;      /* not of the file: plan/systemd.h */
} OciSpec;

extern const FieldType oci_spec_type;

/* Reads and checks the @length bytes of @text, the contents of the file @name ("config.json").
 * Errors: "NAME: POINTER: what is wrong", or "NAME: parse error at line L, column C: ...".
 * Properties that are refused here are no error: they are in notes (see oci_notes_refused()).
 * Transfer: full. */
OciSpec *oci_spec_parse (const char *text, gsize length, const char *name, GError **error);

void oci_spec_free (OciSpec *spec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OciSpec, oci_spec_free)

/* Returns the first of @notes (of FieldNote) that is refused, or NULL. Transfer: none. */
const FieldNote *oci_notes_refused (const GPtrArray *notes);

/* Annotations that may change what is done with a container begin with one of these. */
extern const char *const oci_annotation_prefixes[];

/* Returns the value of the annotation @key, or NULL. Transfer: none. */
const char *oci_spec_annotation (const OciSpec *spec, const char *key);
