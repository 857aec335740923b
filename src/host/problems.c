/* What this host lacks or forbids; see problems.h. */
#include "config.h"

#include "host/problems.h"

#include "base/names.h"
#include "host/machine.h"
#include "plan/plan.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* The oldest kernel with all that the init calls (mount_setattr(2)). */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 12

/* The first bubblewrap that does not follow links of the image while it sets up. */
#define BWRAP_MAJOR 0
#define BWRAP_MINOR 12

static void
free_problem (gpointer data)
{
  HostProblem *problem = data;

  g_free (problem->what);
  g_free (problem->remedy);
  g_free (problem);
}

GPtrArray *
host_problems_new (void)
{
  return g_ptr_array_new_with_free_func (free_problem);
}

/* The parenthesis that ends @message; NULL: there is none. */
static const char *
last_parenthesis (const char *message)
{
  gsize length = strlen (message);
  int depth = 0;

  if (length == 0 || message[length - 1] != ')')
    return NULL;
  for (const char *p = message + length - 1; p > message; p--)
    {
      depth += (*p == ')') - (*p == '(');
      if (depth == 0)
        return p[-1] == ' ' ? p : NULL;
    }
  return NULL;
}

void
host_problems_add (GPtrArray *problems, gboolean fatal, const char *message)
{
  const char *remedy = last_parenthesis (message);
  HostProblem *problem = g_new0 (HostProblem, 1);

  problem->fatal = fatal;
  problem->what = remedy != NULL ? g_strndup (message, (gsize) (remedy - 1 - message))
                                 : g_strdup (message);
  if (remedy != NULL)
    problem->remedy = g_strndup (remedy + 1, strlen (remedy) - 2);
  g_ptr_array_add (problems, problem);
}

static void add (GPtrArray *problems, gboolean fatal, const char *format, ...)
  G_GNUC_PRINTF (3, 4);

static void
add (GPtrArray *problems, gboolean fatal, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  host_problems_add (problems, fatal, message);
}

static gboolean
is_older (guint major, guint minor, guint than_major, guint than_minor)
{
  return major < than_major || (major == than_major && minor < than_minor);
}

static void
find_in_bwrap (GPtrArray *problems, const BwrapFacts *bwrap)
{
  unsigned major, minor;

  if (bwrap->problem != NULL)
    host_problems_add (problems, TRUE, bwrap->problem);
  if (bwrap->version == NULL || sscanf (bwrap->version, "bubblewrap %u.%u", &major, &minor) != 2
      || !is_older (major, minor, BWRAP_MAJOR, BWRAP_MINOR))
    return;
  add (problems, FALSE, "%s follows links of an image out of the container while it sets up, as all"
       " before %u.%u.0 do: it is never given a path in one, but for --mode=plain"
       " (apt install bubblewrap)", bwrap->version, BWRAP_MAJOR, BWRAP_MINOR);
}

static void
find_in_namespaces (GPtrArray *problems, const MachineFacts *facts, int types)
{
  if (facts->userns_clone_off && !plan_privileged (facts) && (types & CLONE_NEWUSER) != 0)
    add (problems, TRUE, "users may not make user namespaces: kernel.unprivileged_userns_clone is 0"
         " (sysctl -w kernel.unprivileged_userns_clone=1)");
  for (const Name *type = oci_namespace_names; type->name != NULL; type++)
    {
      g_autofree char *sysctl = NULL;

      if ((types & type->value) == 0 || host_namespace_limit ((int) type->value) != 0)
        continue;
      sysctl = host_namespace_limit_name ((int) type->value);
      add (problems, TRUE, "no %s namespace can be made: %s is 0 (sysctl -w %s=65536)", type->name,
           sysctl, sysctl);
    }
}

/* Who may set ids needs none of these. */
static void
find_in_ids (GPtrArray *problems, const MachineFacts *facts)
{
  const HostCapabilities both = HOST_CAP_SETUID | HOST_CAP_SETGID;
  const MapTool *tools[] = { &facts->newuidmap, &facts->newgidmap };
  g_autofree char *sub_ids = NULL;

  if ((facts->capabilities & both) == both)
    return;
  sub_ids = plan_sub_ids_problem (facts);
  if (sub_ids != NULL)
    add (problems, FALSE, "only one id can be mapped: %s", sub_ids);
  for (gsize i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autofree char *problem = plan_map_tool_problem (facts, tools[i]);

      if (problem != NULL)
        add (problems, FALSE, "only one id can be mapped: %s", problem);
    }
}

static void
find_in_cgroups (GPtrArray *problems, const MachineFacts *facts)
{
  const CgroupFacts *first = NULL;
  g_autofree char *where = NULL;

  for (guint i = 0; facts->cgroups != NULL && i < facts->cgroups->len; i++)
    {
      const CgroupFacts *cgroup = g_ptr_array_index (facts->cgroups, i);

      if (cgroup->path != NULL && cgroup->error == 0)
        return;
      if (first == NULL || cgroup->options == NULL)
        first = cgroup;
    }
  if (first == NULL)
    {
      add (problems, FALSE, "no cgroups are mounted, so limits are refused"
           " (mount -t cgroup2 none /sys/fs/cgroup)");
      return;
    }
  where = g_strconcat (first->mount, first->own != NULL ? first->own : "", NULL);
  add (problems, FALSE, "no cgroup is delegated to the caller, so limits are refused: %s: %s (%s)",
       where, first->path != NULL ? g_strerror (first->error) : "its own is not to be seen",
       facts->cgroup_mode == CGROUP_V2
         ? "systemd-run --user --scope -p Delegate=yes bwrap-oci run"
         : "boot with systemd.unified_cgroup_hierarchy=1, then systemd-run --user --scope"
           " -p Delegate=yes bwrap-oci run");
}

void
host_problems_find (GPtrArray *problems, const MachineFacts *facts, int types)
{
  if (is_older (facts->major, facts->minor, KERNEL_MAJOR, KERNEL_MINOR))
    add (problems, TRUE, "Linux %u.%u is too old: %d.%d or newer is needed"
         " (apt install linux-image-amd64)", facts->major, facts->minor, KERNEL_MAJOR,
         KERNEL_MINOR);
  find_in_bwrap (problems, &facts->bwrap);
  find_in_namespaces (problems, facts, types);
  find_in_ids (problems, facts);
  find_in_cgroups (problems, facts);
}

gboolean
host_problems_are_fatal (const GPtrArray *problems)
{
  for (guint i = 0; i < problems->len; i++)
    if (((const HostProblem *) g_ptr_array_index (problems, i))->fatal)
      return TRUE;
  return FALSE;
}
