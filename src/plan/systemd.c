/* systemd as pid 1; see systemd.h.
 *
 * What is added goes as far to the front as it can, so that every mount of the configuration
 * wins over it, also one that reaches the same place by a link (/var/run). */
#include "config.h"

#include "plan/systemd.h"

#include "plan/builder.h"

#include <sched.h>
#include <string.h>

/* Programs that are systemd on most systems. */
static const char *const usual_programs[] = {
  "/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init", NULL,
};

/* What is mounted where the configuration mounts nothing. A tmpfs gets what the image has there:
 * directories of packages that no service makes. */
static const struct {
  const char *destination, *type, *options;
} needed[] = {
  { "/proc", "proc", "nosuid,noexec,nodev" },
  { "/sys", "sysfs", "nosuid,noexec,nodev,ro" },
  { "/sys/fs/cgroup", "cgroup", "nosuid,noexec,nodev,relatime,rw" },
  { "/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
  { "/dev/pts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
  { "/dev/shm", "tmpfs", "nosuid,nodev,mode=1777" },
  { "/run", "tmpfs", "nosuid,nodev,mode=755,tmpcopyup" },
  { "/run/lock", "tmpfs", "nosuid,nodev,noexec,tmpcopyup" },
  { "/tmp", "tmpfs", "nosuid,nodev,mode=1777,tmpcopyup" },
  { "/var/log/journal", "tmpfs", "nosuid,nodev,noexec,tmpcopyup" },
};

void
systemd_facts_clear (SystemdFacts *facts)
{
  g_clear_pointer (&facts->program, g_free);
  g_clear_pointer (&facts->machine_id, g_free);
}

/* --- whether it is one --- */

static gboolean
is_called_systemd (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);

  return strcmp (name, "systemd") == 0;
}

static gboolean
has_new_pid_namespace (const OciSpec *spec)
{
  const OciNamespace *ns = oci_linux_namespace (spec->linux_, CLONE_NEWPID);

  return ns != NULL && ns->path == NULL;
}

gboolean
systemd_is_possible (const OciSpec *spec)
{
  const char *program = spec->process != NULL ? spec->process->args[0] : NULL;

  if (program == NULL)
    return FALSE;
  return oci_spec_annotation (spec, SYSTEMD_ANNOTATION) != NULL
         || g_strv_contains (usual_programs, program) || is_called_systemd (program);
}

/* By its name, or that of what a link leads to: many images have a /sbin/init that is something
 * else. */
static OciSystemd
judge_program (const OciSpec *spec, const SystemdFacts *facts)
{
  const char *program = spec->process->args[0];

  if (!has_new_pid_namespace (spec))
    return SYSTEMD_NONE;
  if (is_called_systemd (program)
      || (facts->program != NULL && is_called_systemd (facts->program)))
    return SYSTEMD_CERTAIN;
  if (facts->program == NULL || g_str_has_suffix (facts->program, "/init"))
    return SYSTEMD_LIKELY;
  return SYSTEMD_NONE;
}

static gboolean
decide (OciSpec *spec, const SystemdFacts *facts, GError **error)
{
  const char *word = oci_spec_annotation (spec, SYSTEMD_ANNOTATION);
  const char *at = "/annotations/" SYSTEMD_ANNOTATION;

  if (word == NULL)
    spec->systemd = judge_program (spec, facts);
  else if (strcmp (word, "true") == 0)
    spec->systemd = SYSTEMD_CERTAIN;
  else if (strcmp (word, "false") != 0)
    return plan_refuse (error, at, "expected \"true\" or \"false\", got \"%.100s\"", word);
  if (spec->systemd != SYSTEMD_NONE && !has_new_pid_namespace (spec))
    return plan_refuse (error, at, "systemd has to be pid 1, in a new pid namespace");
  return TRUE;
}

/* --- what it gets --- */

static gboolean
is_at_or_below (const char *path, const char *directory)
{
  gsize length = strlen (directory);

  return strncmp (path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Where in @mounts one on @destination belongs: behind the last that it lies in, and others that
 * were added there. Returns FALSE if there is one already. */
static gboolean
find_place (const GPtrArray *mounts, const char *destination, guint *ret_place)
{
  *ret_place = 0;
  for (guint i = 0; i < mounts->len; i++)
    {
      const OciMount *mount = g_ptr_array_index (mounts, i);
      g_autofree char *other = oci_path_normalize (mount->destination);

      if (strcmp (other, destination) == 0)
        return FALSE;
      if (is_at_or_below (destination, other))
        *ret_place = i + 1;
    }
  while (*ret_place < mounts->len
         && ((const OciMount *) g_ptr_array_index (mounts, *ret_place))->added)
    (*ret_place)++;
  return TRUE;
}

static void
add_mounts (OciSpec *spec)
{
  if (spec->mounts == NULL)
    spec->mounts = g_ptr_array_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (needed); i++)
    {
      OciMount *mount;
      guint place;

      if (!find_place (spec->mounts, needed[i].destination, &place))
        continue;
      mount = g_new0 (OciMount, 1);
      mount->destination = g_strdup (needed[i].destination);
      mount->type = g_strdup (needed[i].type);
      mount->source = g_strdup (needed[i].type);
      mount->options = g_strsplit (needed[i].options, ",", -1);
      mount->added = TRUE;
      g_ptr_array_insert (spec->mounts, (int) place, mount);
    }
}

/* Its own cgroup is the topmost that it sees. */
static void
add_namespace (OciSpec *spec)
{
  OciNamespace *ns;

  if (oci_linux_namespace (spec->linux_, CLONE_NEWCGROUP) != NULL)
    return;
  ns = g_new0 (OciNamespace, 1);
  ns->type = CLONE_NEWCGROUP;
  g_ptr_array_add (spec->linux_->namespaces, ns);
}

static void
add_variable (OciProcess *process, const char *name, const char *value)
{
  g_autoptr (GPtrArray) env = g_ptr_array_new ();
  gsize length = strlen (name);

  for (char **variable = process->env; variable != NULL && *variable != NULL; variable++)
    {
      if (strncmp (*variable, name, length) == 0 && (*variable)[length] == '=')
        return;
      g_ptr_array_add (env, *variable);
    }
  g_ptr_array_add (env, g_strconcat (name, "=", value, NULL));
  g_ptr_array_add (env, NULL);
  g_free (process->env);
  process->env = (char **) g_ptr_array_free (g_steal_pointer (&env), FALSE);
}

/* Of an image without a machine id: the same for each run of this container here, another one for
 * any other, and nothing that tells of the host's. A UUID of version 4, as systemd wants it. */
static char *
make_id (const char *machine_id, const char *bundle, const char *id)
{
  g_autofree char *name = g_strconcat (bundle, "/", id, NULL);
  char *digest = g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) machine_id,
                                            strlen (machine_id), name, -1);

  digest[12] = '4';
  digest[16] = "89ab"[g_ascii_xdigit_value (digest[16]) & 3];
  digest[SYSTEMD_ID_DIGITS] = '\0';
  return digest;
}

gboolean
systemd_complete (OciSpec *spec, const SystemdFacts *facts, const char *bundle, const char *id,
                  GError **error)
{
  if (!decide (spec, facts, error))
    return FALSE;
  if (spec->systemd == SYSTEMD_NONE)
    return TRUE;
  add_mounts (spec);
  add_namespace (spec);
  add_variable (spec->process, "container", "oci");
  if (facts->machine_id != NULL)
    {
      g_autofree char *uuid = make_id (facts->machine_id, bundle, id);

      add_variable (spec->process, "container_uuid", uuid);
    }
  return TRUE;
}

/* --- its cgroup: without one it ends before it can say why --- */

/* The hierarchy in which it keeps its units. */
static const CgroupFacts *
unit_hierarchy (const GPtrArray *hierarchies)
{
  const CgroupFacts *found = NULL;

  for (guint i = 0; i < field_count (hierarchies); i++)
    {
      const CgroupFacts *facts = g_ptr_array_index (hierarchies, i);

      if (facts->options == NULL ? found == NULL : strcmp (facts->options, "name=systemd") == 0)
        found = facts;
    }
  return found;
}

/* Why the container has no cgroup there; NULL: it has. Transfer: full. */
static char *
cgroup_problem (const MachineFacts *machine)
{
  const CgroupFacts *facts = unit_hierarchy (machine->cgroups);

  if (facts == NULL)
    return g_strdup ("there are no cgroups here");
  if (facts->path == NULL)
    return g_strdup_printf ("the caller's own is not to be seen in %s", facts->mount);
  if (facts->error != 0)
    return g_strdup_printf ("%s%s: %s (systemd-run --user --scope --property=Delegate=yes"
                            " bwrap-oci ...)", facts->mount, facts->path,
                            g_strerror (facts->error));
  return NULL;
}

static gboolean
is_read_only_cgroup (const OciMount *mount)
{
  const char *const *options = (const char *const *) mount->options;

  return (g_strcmp0 (mount->type, "cgroup") == 0 || g_strcmp0 (mount->type, "cgroup2") == 0)
         && options != NULL && g_strv_contains (options, "ro");
}

gboolean
plan_systemd_cgroup (PlanContext *context, GError **error)
{
  const OciSpec *spec = context->spec;
  gboolean certain = spec->systemd == SYSTEMD_CERTAIN;
  gboolean scoped = context->plan->cgroup->scope != NULL;
  g_autofree char *problem = scoped ? NULL : cgroup_problem (&context->facts->machine);

  if (problem != NULL && certain)
    return plan_refuse (error, "/process/args/0", "systemd needs a cgroup of its own: %s",
                        problem);
  if (problem != NULL)
    plan_note (context->plan, "/process/args/0", "if this is systemd, it needs a cgroup of its"
               " own: %s", problem);
  for (guint i = 0; i < spec->mounts->len; i++)
    if (certain && is_read_only_cgroup (g_ptr_array_index (spec->mounts, i)))
      {
        g_autofree char *at = oci_mount_pointer (spec->mounts, i);

        return plan_refuse (error, at, "systemd needs a cgroup that it may write to, and this one"
                            " is mounted read-only (rw)");
      }
  return TRUE;
}
