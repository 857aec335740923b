/* The plain command; see plain.h. This file is everything but files: namespaces, ids, rights, the
 * environment, and what bwrap has no word for. */
#include "config.h"

#include "plan/plain_work.h"

#include "base/error.h"
#include "plan/builder.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* bwrap's limit on its arguments */
#define WORDS_MAX 9000

/* --- the command ------------------------------------------------------------------------- */

/* Whether a shell would take @word as it is. */
static gboolean
is_bare (const char *word)
{
  static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                             "@%+=:,./-_";

  return *word != '\0' && word[strspn (word, safe)] == '\0';
}

/* Whether @word can be shown: no byte of it does anything to a terminal. */
static gboolean
is_text (const char *word)
{
  if (!g_utf8_validate (word, -1, NULL))
    return FALSE;
  for (const char *p = word; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;
  return TRUE;
}

/* Adds a word to @plain's command, quoted for a shell: exactly, whatever is in it. */
static void
show_word (Plain *plain, const char *word)
{
  g_autofree char *quoted = g_shell_quote (word);

  if (is_bare (word))
    g_string_append (plain->command, word);
  else if (is_text (word))
    g_string_append (plain->command, quoted);
  else
    {
      g_string_append (plain->command, "$'");
      for (const char *p = word; *p != '\0'; p++)
        if (*p == '\'' || *p == '\\')
          g_string_append_printf (plain->command, "\\%c", *p);
        else if ((guchar) *p < 0x20 || (guchar) *p >= 0x7f)
          g_string_append_printf (plain->command, "\\%03o", (guchar) *p);
        else
          g_string_append_c (plain->command, *p);
      g_string_append_c (plain->command, '\'');
    }
}

static void
add_word (Plain *plain, const char *word)
{
  if (plain->command->len > 0)
    g_string_append_c (plain->command, ' ');
  g_ptr_array_add (plain->words, g_strdup (word));
  show_word (plain, word);
}

void
plain_add (Plain *plain, const char *option, ...)
{
  va_list values;
  const char *value;

  g_string_append (plain->command, " \\\n ");
  add_word (plain, option);
  va_start (values, option);
  while ((value = va_arg (values, const char *)) != NULL)
    add_word (plain, value);
  va_end (values);
}

/* Takes @message. */
static void
add_loss (Plain *plain, const char *pointer, char *message, gboolean ignored)
{
  PlanNote *loss = g_new0 (PlanNote, 1);

  loss->pointer = g_strdup (pointer);
  loss->message = message;
  loss->ignored = ignored;
  g_ptr_array_add (plain->losses, loss);
}

void
plain_lose (Plain *plain, const char *pointer, const char *message, ...)
{
  va_list args;

  va_start (args, message);
  add_loss (plain, pointer, g_strdup_vprintf (message, args), FALSE);
  va_end (args);
}

void
plain_differ (Plain *plain, const char *pointer, const char *message, ...)
{
  va_list args;

  va_start (args, message);
  add_loss (plain, pointer, g_strdup_vprintf (message, args), TRUE);
  va_end (args);
}

/* --- namespaces and ids ------------------------------------------------------------------ */

/* Namespaces that bwrap makes, and their options. */
static const struct {
  int type;
  const char *option;
} unshare_options[] = {
  { CLONE_NEWPID, "--unshare-pid" },
  { CLONE_NEWNET, "--unshare-net" },
  { CLONE_NEWIPC, "--unshare-ipc" },
  { CLONE_NEWUTS, "--unshare-uts" },
  { CLONE_NEWCGROUP, "--unshare-cgroup" },
};

/* One that should be joined is made: to stay in the caller's would be less isolation. */
static void
add_namespaces (PlainWork *work)
{
  const OciLinux *linux_ = work->spec->linux_;

  plain_add (work->plain, "--unshare-user", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (unshare_options); i++)
    if (plain_has_namespace (work->spec, unshare_options[i].type))
      plain_add (work->plain, unshare_options[i].option, NULL);
  if (plain_has_namespace (work->spec, CLONE_NEWPID))
    plain_add (work->plain, "--as-pid-1", NULL);
  for (guint i = 0; i < field_count (linux_->namespaces); i++)
    {
      const OciNamespace *ns = g_ptr_array_index (linux_->namespaces, i);
      g_autofree char *at = g_strdup_printf ("/linux/namespaces/%u", i);

      if (ns->path != NULL)
        plain_lose (work->plain, at, "%s is not joined: the %s namespace is a new one", ns->path,
                    name_of (oci_namespace_names, ns->type));
      else if (ns->type == CLONE_NEWTIME)
        plain_lose (work->plain, at, "the time namespace is the caller's");
    }
}

/* Whether @mappings give the caller's id to @id, and nothing else. */
static gboolean
is_own_id (const GPtrArray *mappings, guint32 id, guint32 caller)
{
  const OciIdMapping *line = g_ptr_array_index (mappings, 0);

  return mappings->len == 1 && line->size.value == 1 && line->container_id.value == id
         && line->host_id.value == caller;
}

static gboolean
add_ids (PlainWork *work, GError **error)
{
  const MachineFacts *machine = &work->facts->machine;
  const OciLinux *linux_ = work->spec->linux_;
  const OciUser *user = work->spec->process->user;
  g_autofree char *uid = g_strdup_printf ("%u", user->uid.value);
  g_autofree char *gid = g_strdup_printf ("%u", user->gid.value);
  gboolean mapped = field_count (linux_->uid_mappings) > 0;
  gboolean exact = mapped && is_own_id (linux_->uid_mappings, user->uid.value, machine->uid)
                   && is_own_id (linux_->gid_mappings, user->gid.value, machine->gid);

  /* its files would be root's */
  if (machine->uid == 0 && !exact && (mapped || user->uid.value != 0))
    return plan_refuse (error, "/process/user/uid", "one bwrap command maps one id, and that is the"
                        " caller's, who is root: try it as another user");
  if (!exact)
    plain_lose (work->plain, "/linux/uidMappings", "one id is mapped: %s:%s inside is the caller,"
                " every other id is nobody", uid, gid);
  if (user->additional_gids != NULL && user->additional_gids->len > 0)
    plain_lose (work->plain, "/process/user/additionalGids", "the groups stay those of the caller");
  if (user->umask.set)
    plain_lose (work->plain, "/process/user/umask", "the umask stays that of the caller");
  plain_add (work->plain, "--uid", uid, NULL);
  plain_add (work->plain, "--gid", gid, NULL);
  return TRUE;
}

/* --- rights ------------------------------------------------------------------------------ */

static gboolean
same_set (char *const *a, char *const *b)
{
  static char *const none[] = { NULL };
  const char *const *first = (const char *const *) (a != NULL ? a : none);
  const char *const *second = (const char *const *) (b != NULL ? b : none);
  gboolean same = TRUE;

  for (guint i = 0; first[i] != NULL; i++)
    same = same && g_strv_contains (second, first[i]);
  for (guint i = 0; second[i] != NULL; i++)
    same = same && g_strv_contains (first, second[i]);
  return same;
}

/* Whether bwrap's own /dev is in the container: then it puts any user but 0 into a second user
 * namespace. */
static gboolean
has_own_dev (const PlainWork *work)
{
  for (guint i = 0; i < field_count (work->spec->mounts); i++)
    if (plain_kind (work->spec, work->targets, i) == PLAIN_DEV)
      return TRUE;
  return FALSE;
}

/* bwrap has one set of capabilities for all five: the effective one, which no other is less than
 * without the program's own doing. */
static void
add_capabilities (PlainWork *work)
{
  static const OciCapabilities none = { NULL };
  const OciProcess *process = work->spec->process;
  const OciCapabilities *wanted = process->capabilities != NULL ? process->capabilities : &none;
  const struct {
    const char *pointer;
    char **set;
  } others[] = {
    { "/process/capabilities/bounding", wanted->bounding },
    { "/process/capabilities/permitted", wanted->permitted },
    { "/process/capabilities/inheritable", wanted->inheritable },
    { "/process/capabilities/ambient", wanted->ambient },
  };
  gboolean any = FALSE;

  plain_add (work->plain, "--cap-drop", "ALL", NULL);
  for (guint i = 0; wanted->effective != NULL && wanted->effective[i] != NULL; i++)
    {
      const Name *row = name_find (name_capabilities, wanted->effective[i]);

      if (row == NULL || (guint) row->value > work->facts->machine.last_capability)
        continue;
      plain_add (work->plain, "--cap-add", row->name, NULL);
      any = TRUE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    if (!same_set (others[i].set, wanted->effective))
      plain_lose (work->plain, others[i].pointer, "is the same as the effective set");
  if (any && process->user->uid.value != 0 && has_own_dev (work))
    plain_lose (work->plain, "/process/capabilities/effective", "no power over mounts, network and"
                " names: the program is in a user namespace below theirs");
}

/* --- the program ------------------------------------------------------------------------- */

/* Links in it could lead out of the container while bwrap enters it. */
static void
add_directory (PlainWork *work)
{
  const char *wanted = work->spec->process->cwd;
  g_autofree char *cwd = oci_path_normalize (wanted);
  const PathFacts *facts = plain_path (work, "/process/cwd");
  gboolean usable = facts->error == 0 && S_ISDIR (facts->mode) && facts->base != PATH_PROC;

  /* a mount point is made where there is none */
  for (guint i = 0; work->targets[i] != NULL && facts->error == ENOENT; i++)
    usable = usable || (plain_below (work->targets[i], cwd) != NULL
                        && !g_array_index (work->left_out, gboolean, i));
  usable = usable && plain_is_known (work, facts);
  if (!usable)
    plain_lose (work->plain, "/process/cwd", "the program starts in /: %s %s", wanted,
                facts->error == ELOOP ? "has a link in it" : "cannot be seen to be there");
  plain_add (work->plain, "--chdir", usable ? cwd : "/", NULL);
}

static void
add_environment (PlainWork *work)
{
  gboolean home = FALSE;

  plain_add (work->plain, "--clearenv", NULL);
  for (char **env = work->spec->process->env; env != NULL && *env != NULL; env++)
    {
      const char *equals = strchr (*env, '=');
      g_autofree char *name = g_strndup (*env, (gsize) (equals - *env));

      plain_add (work->plain, "--setenv", name, equals + 1, NULL);
      home = home || (strcmp (name, "HOME") == 0 && equals[1] != '\0');
    }
  if (!home)
    plain_lose (work->plain, "/process/env", "HOME is not taken from the image's /etc/passwd");
}

static void
add_program (PlainWork *work)
{
  const OciProcess *process = work->spec->process;

  if (!process->terminal.value)
    plain_add (work->plain, "--new-session", NULL);
  plain_add (work->plain, "--", NULL);
  for (char **arg = process->args; *arg != NULL; arg++)
    add_word (work->plain, *arg);
}

/* --- what there is no option for --------------------------------------------------------- */

static void
lose_hooks (const PlainWork *work)
{
  const OciHooks *hooks = work->spec->hooks;

  if (hooks != NULL
      && field_count (hooks->prestart) + field_count (hooks->create_runtime)
             + field_count (hooks->create_container) + field_count (hooks->start_container)
             + field_count (hooks->poststart) + field_count (hooks->poststop) > 0)
    plain_lose (work->plain, "/hooks", "hooks are not run");
}

static gboolean
has_limits (const OciResources *resources)
{
  return resources != NULL
         && (resources->memory != NULL || resources->cpu != NULL || resources->pids != NULL
             || resources->block_io != NULL || resources->network != NULL
             || field_count (resources->hugepage_limits) > 0
             || field_count (resources->unified) > 0 || field_count (resources->rdma) > 0);
}

/* What is wanted of the process and of "linux" as a whole. */
static void
lose_wanted (const PlainWork *work)
{
  const OciProcess *process = work->spec->process;
  const OciLinux *linux_ = work->spec->linux_;
  const int shared = MS_SHARED | MS_UNBINDABLE;
  const struct {
    gboolean wanted;
    const char *pointer, *message;
  } losses[] = {
    { process->terminal.value, "/process/terminal", "the terminal is the caller's own" },
    { field_count (process->rlimits) > 0, "/process/rlimits", "limits stay those of the caller" },
    { process->oom_score_adj.set, "/process/oomScoreAdj", "stays that of the caller" },
    { process->apparmor_profile != NULL, "/process/apparmorProfile", "stays that of the caller" },
    { process->selinux_label != NULL, "/process/selinuxLabel", "stays that of the caller" },
    { process->scheduler != NULL, "/process/scheduler", "stays that of the caller" },
    { process->io_priority != NULL, "/process/ioPriority", "stays that of the caller" },
    { !process->no_new_privileges.value, "/process/noNewPrivileges",
      "is true: set-user-ID programs give nothing" },
    { has_limits (linux_->resources), "/linux/resources", "there are no limits" },
    { linux_->cgroups_path != NULL, "/linux/cgroupsPath", "the cgroup is the caller's" },
    { linux_->personality != NULL, "/linux/personality", "stays that of the caller" },
    { linux_->time_offsets != NULL, "/linux/timeOffsets", "the clocks are the caller's" },
    { linux_->memory_policy != NULL, "/linux/memoryPolicy", "stays that of the caller" },
    { linux_->seccomp != NULL && linux_->seccomp->default_action >= 0, "/linux/seccomp",
      "no system call is filtered" },
    { linux_->rootfs_propagation >= 0 && (linux_->rootfs_propagation & shared) != 0,
      "/linux/rootfsPropagation", "mounts are private" },
    { linux_->mount_label != NULL, "/linux/mountLabel", "file systems have the host's labels" },
    { field_count (linux_->net_devices) > 0, "/linux/netDevices", "no device is moved" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (losses); i++)
    if (losses[i].wanted)
      plain_lose (work->plain, losses[i].pointer, "%s", losses[i].message);
}

static void
lose_sysctls (const PlainWork *work)
{
  const GPtrArray *sysctls = work->spec->linux_->sysctl;

  for (guint i = 0; i < field_count (sysctls); i++)
    {
      const OciPair *pair = g_ptr_array_index (sysctls, i);
      g_autofree char *at = g_strconcat ("/linux/sysctl/", pair->key, NULL);

      plain_lose (work->plain, at, "is not set");
    }
}

/* What is refused otherwise, apart from what has been told already. */
static void
lose_refused (const PlainWork *work)
{
  for (guint i = 0; i < work->spec->notes->len; i++)
    {
      const FieldNote *note = g_ptr_array_index (work->spec->notes, i);

      if (note->support == FIELD_REFUSED && !g_str_has_prefix (note->pointer, "/hooks/")
          && !g_str_has_prefix (note->pointer, "/linux/resources/"))
        plain_lose (work->plain, note->pointer, "%s", note->reason);
    }
}

/* --- all ---------------------------------------------------------------------------------- */

static gboolean
add_root (PlainWork *work, GError **error)
{
  const SourceFacts *root = work->facts->bundle.root;

  if (root->error != 0)
    return plan_refuse (error, "/root/path", "open %s: %s", root->path, g_strerror (root->error));
  plain_add (work->plain, "--bind", root->path, "/", NULL);
  return TRUE;
}

static gboolean
add_all (PlainWork *work, GError **error)
{
  const OciSpec *spec = work->spec;

  if (spec->process == NULL)
    return plan_refuse (error, "/process", "missing: there is nothing to run");
  add_namespaces (work);
  if (!add_ids (work, error))
    return FALSE;
  add_capabilities (work);
  if (spec->hostname != NULL)
    plain_add (work->plain, "--hostname", spec->hostname, NULL);
  if (spec->domainname != NULL)
    plain_lose (work->plain, "/domainname", "is not set");
  if (!add_root (work, error) || !plain_mounts (work, error))
    return FALSE;
  plain_devices (work);
  plain_paths_protected (work);
  if (spec->root->readonly.value)
    plain_add (work->plain, "--remount-ro", "/", NULL);
  add_directory (work);
  add_environment (work);
  lose_wanted (work);
  lose_sysctls (work);
  lose_hooks (work);
  lose_refused (work);
  add_program (work);
  return TRUE;
}

static Plain *
plain_empty (void)
{
  Plain *plain = g_new0 (Plain, 1);

  plain->words = g_ptr_array_new_with_free_func (g_free);
  plain->command = g_string_new (NULL);
  plain->losses = plan_notes_new ();
  return plain;
}

gboolean
plain_fill (PlainWork *work, GError **error)
{
  g_auto (GStrv) targets = plain_targets (work->spec);
  g_autoptr (GArray) left_out = g_array_new (FALSE, TRUE, sizeof (gboolean));

  work->plain = plain_empty ();
  work->targets = targets;
  work->left_out = left_out;
  if (!add_root (work, error) || !plain_mounts (work, error))
    return FALSE;
  plain_devices (work);
  plain_paths_protected (work);
  return TRUE;
}

Plain *
plain_new (const OciSpec *spec, const HostFacts *facts, GError **error)
{
  g_autoptr (Plain) plain = plain_empty ();
  g_auto (GStrv) targets = plain_targets (spec);
  g_autoptr (GArray) left_out = g_array_new (FALSE, TRUE, sizeof (gboolean));
  PlainWork work = { .spec = spec, .facts = facts, .plain = plain, .targets = targets,
                     .left_out = left_out };

  add_word (plain, facts->machine.bwrap.path);
  if (!add_all (&work, error))
    return NULL;
  if (plain->words->len > WORDS_MAX)
    return throw_null (error, "config.json: %u words are more than a bwrap command takes (%d)",
                       plain->words->len, WORDS_MAX);
  return g_steal_pointer (&plain);
}

void
plain_free (Plain *plain)
{
  if (plain == NULL)
    return;
  g_ptr_array_unref (plain->words);
  g_string_free (plain->command, TRUE);
  g_ptr_array_unref (plain->losses);
  g_free (plain);
}

GString *
plain_format_losses (const Plain *plain)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < plain->losses->len; i++)
    {
      const PlanNote *loss = g_ptr_array_index (plain->losses, i);
      g_autofree char *pointer = error_escape (loss->pointer);
      g_autofree char *message = error_escape (loss->message);

      g_string_append_printf (out, "plain: %s: %s\n", pointer, message);
    }
  return out;
}

void
plain_print (const Plain *plain)
{
  g_autoptr (GString) losses = plain_format_losses (plain);

  (void) fprintf (stdout, "%s\n", plain->command->str);
  (void) fputs (losses->str, stderr);
}
