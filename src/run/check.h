/* What would become of a bundle on this host, and what is wrong with the host.
 *
 * Everything is looked at as for "run", but nothing of the bundle is touched: the plan is made and
 * not carried out, and whether namespaces can be made here is tried with an empty root. */
#pragma once

#include "host/problems.h"
#include "plan/plan.h"
#include "run/create.h"

typedef enum {
  CHECK_DONE,
  CHECK_NOTE,     /* done, but not to the letter */
  CHECK_IGNORED,
  CHECK_REFUSED,
} CheckSupport;

/* One property of the configuration, or one step that it asks for. */
typedef struct {
  CheckSupport support;
  char *pointer;  /* JSON pointer; "": the whole file */
  char *what;
} CheckProperty;

typedef struct {
  char *bundle;           /* NULL: only the host was looked at */
  GPtrArray *host;        /* of HostProblem */
  GPtrArray *properties;  /* of CheckProperty, in the order of the file */
  gboolean works;         /* "run" would */
} Check;

typedef struct {
  const char *root;          /* of --root; NULL: not given */
  const char *runtime_dir;   /* XDG_RUNTIME_DIR; NULL: not set */
  const char *bwrap;         /* NULL: the built-in path */
  const char *bundle;        /* absolute; NULL: only the host */
  const char *config;        /* file name, relative to the bundle if not absolute */
  CgroupManager cgroup_manager;
  gboolean plain;            /* --mode=plain */
} CheckRequest;

/* Fills @ret_check, which the caller clears in any case. Errors: this process cannot look at its
 * host at all. */
gboolean check_read (const CheckRequest *request, Check *ret_check, GError **error);

/* Returns "done", "note", "ignored" or "refused". */
const char *check_support_name (CheckSupport support);

void check_clear (Check *check);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

/* --- what the files check*.c share --- */

/* Returns an array that takes CheckProperty. Transfer: full. */
GPtrArray *check_properties_new (void);

/* Adds a property; takes neither string. */
void check_add (GPtrArray *properties, CheckSupport support, const char *pointer,
                const char *what);

/* Returns @findings (of CheckProperty) in the order of the configuration @text, and a line for each
 * property in it that nothing was said about. Transfer: full. */
GPtrArray *check_sort (const char *text, gsize length, const GPtrArray *findings);

/* Looks for what only the root file system tells: the program, and files whose set-user-ID bit the
 * kernel will not honour. */
void check_root (const Plan *plan, const HostFacts *facts, GPtrArray *host, GPtrArray *properties);
