/* What would become of a bundle on this host; see check.h. */
#include "config.h"

#include "run/check.h"

#include "base/error.h"
#include "host/bundle.h"
#include "host/cgroups.h"
#include "host/machine.h"
#include "run/launch.h"
#include "run/seccomp.h"
#include "run/targets.h"
#include "run/work.h"

#include <linux/sched.h>
#include <string.h>

/* A container as people have them, for a look at the host alone. */
static const char usual_config[]
  = "{\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"/usr\"},"
    " \"process\": {\"args\": [\"true\"], \"cwd\": \"/\","
    " \"user\": {\"uid\": 0, \"gid\": 0}, \"noNewPrivileges\": true},"
    " \"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"ipc\"}, {\"type\": \"uts\"},"
    " {\"type\": \"mount\"}, {\"type\": \"user\"}]}}";

static const char *const support_names[] = {
  [CHECK_DONE] = "done",
  [CHECK_NOTE] = "note",
  [CHECK_IGNORED] = "ignored",
  [CHECK_REFUSED] = "refused",
};

const char *
check_support_name (CheckSupport support)
{
  return support_names[support];
}

static void
free_property (gpointer data)
{
  CheckProperty *property = data;

  g_free (property->pointer);
  g_free (property->what);
  g_free (property);
}

GPtrArray *
check_properties_new (void)
{
  return g_ptr_array_new_with_free_func (free_property);
}

void
check_add (GPtrArray *properties, CheckSupport support, const char *pointer, const char *what)
{
  CheckProperty *property = g_new0 (CheckProperty, 1);

  property->support = support;
  property->pointer = g_strdup (pointer);
  property->what = g_strdup (what);
  g_ptr_array_add (properties, property);
}

void
check_clear (Check *check)
{
  g_clear_pointer (&check->bundle, g_free);
  g_clear_pointer (&check->host, g_ptr_array_unref);
  g_clear_pointer (&check->properties, g_ptr_array_unref);
}

/* Adds what "config.json: POINTER: MESSAGE" refuses. */
static void
add_refusal (GPtrArray *properties, const char *message)
{
  const char *text = message + (g_str_has_prefix (message, "config.json: ") ? 13 : 0);
  const char *end = *text == '/' ? strstr (text, ": ") : NULL;
  g_autofree char *pointer = g_strndup (text, end != NULL ? (gsize) (end - text) : 0);

  check_add (properties, CHECK_REFUSED, pointer, end != NULL ? end + 2 : text);
}

/* What the plan says it will do. */
static void
add_plan (GPtrArray *properties, const Plan *plan)
{
  for (guint i = 0; i < plan->rows->len; i++)
    {
      const PlanRow *row = g_ptr_array_index (plan->rows, i);

      if (*row->pointer != '\0')
        check_add (properties, CHECK_DONE, row->pointer, row->what);
    }
  for (guint i = 0; plan->cgroup != NULL && i < plan->cgroup->settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (plan->cgroup->settings, i);
      g_autofree char *what = g_strdup_printf ("set %s to %s", setting->file, setting->value);

      if (setting->pointer != NULL && setting->asked)
        check_add (properties, CHECK_DONE, setting->pointer, what);
    }
  for (guint i = 0; i < plan->notes->len; i++)
    {
      const PlanNote *note = g_ptr_array_index (plan->notes, i);

      check_add (properties, note->ignored ? CHECK_IGNORED : CHECK_NOTE, note->pointer,
                 note->message);
    }
}

/* The filter is made here as it is for "run". */
static void
check_filter (const OciSpec *spec, GPtrArray *properties)
{
  g_autoptr (GBytes) program = NULL;
  g_autoptr (GError) error = NULL;
  guint32 flags;

  if (spec->linux_->seccomp != NULL
      && !seccomp_program (spec->linux_->seccomp, -1, &program, &flags, &error))
    add_refusal (properties, error->message);
}

static gboolean
is_refused (const GPtrArray *properties)
{
  for (guint i = 0; i < properties->len; i++)
    if (((const CheckProperty *) g_ptr_array_index (properties, i))->support == CHECK_REFUSED)
      return TRUE;
  return FALSE;
}

/* --- the steps ----------------------------------------------------------------------------- */

/* One look at a configuration. */
typedef struct {
  Work work;
  CreateRequest request;
  Store *store;
} Look;

static void
look_clear (Look *look)
{
  work_clear (&look->work);
  create_request_clear (&look->request);
  g_clear_pointer (&look->store, store_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Look, look_clear)

/* Where containers are recorded; without a place there are still other things to be said. */
static void
open_store (Look *look, const CheckRequest *request, GPtrArray *host)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = store_locate (request->root, request->runtime_dir, &error);

  look->store = path != NULL ? store_open (path, FALSE, &error) : NULL;
  if (look->store != NULL)
    return;
  host_problems_add (host, TRUE, error->message);
  look->store = g_new0 (Store, 1);
  look->store->fd = -1;
}

/* The configuration to look at: the bundle's, or the usual one, which leaves work.config NULL. */
static gboolean
read_config (Look *look, const CheckRequest *request, GPtrArray *findings, GError **error)
{
  g_autoptr (GError) invalid = NULL;

  look->request = (CreateRequest) {
    .id = g_strdup ("check"),
    .bundle = g_strdup (request->bundle != NULL ? request->bundle : "/"),
    .config = request->config,
    .bwrap = request->bwrap,
    .cgroup_manager = request->cgroup_manager,
    .plain = request->plain,
    .look = TRUE,
    .new_keyring = TRUE,
  };
  if (request->bundle != NULL && work_read_spec (&look->work, &look->request, &invalid))
    return TRUE;
  if (invalid != NULL)
    add_refusal (findings, invalid->message);
  g_clear_pointer (&look->work.config, g_free);
  g_free (look->request.bundle);
  look->request.bundle = g_strdup ("/");
  look->work.spec = oci_spec_parse (usual_config, strlen (usual_config), "the usual one", error);
  return look->work.spec != NULL;
}

static gboolean
probe (Look *look, GError **error)
{
  MachineFacts *machine;

  if (!work_probe (&look->work, look->store, &look->request, error))
    return FALSE;
  machine = &look->work.facts->machine;
  host_machine_probe_problems (machine);
  /* work_probe () has filled it in NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
  return (machine->cgroup_mode != CGROUP_NONE || host_cgroup_probe (machine, error))
         && (machine->cgroups != NULL
             || host_cgroup_places (machine, 0, look->work.spec->linux_->cgroups_path,
                                    look->request.id, error));
}

/* What the plan would fail for, all of it. */
static void
check_plan (Look *look, GPtrArray *host, GPtrArray *findings)
{
  g_autoptr (GPtrArray) refusals = plan_notes_new ();
  g_autoptr (GError) unsafe = NULL;
  Work *work = &look->work;

  work->plan = plan_check (work->spec, work->facts, &work->options, refusals);
  for (guint i = 0; i < refusals->len; i++)
    {
      const PlanNote *note = g_ptr_array_index (refusals, i);

      check_add (findings, CHECK_REFUSED, note->pointer, note->message);
    }
  add_plan (findings, work->plan);
  if (work->plan->plain && refusals->len == 0
      && !targets_prepare (work->plan, work->facts, FALSE, &unsafe))
    add_refusal (findings, unsafe->message);
  check_filter (work->spec, findings);
  check_root (work->plan, work->facts, host, findings);
}

/* Whether namespaces can be made: as in the configuration, if that has a plan. */
static void
try_host (const Look *look, GPtrArray *host)
{
  const Work *work = &look->work;
  g_autoptr (GError) error = NULL;
  g_autoptr (Plan) plan = plan_trial_new (work->spec, work->facts, &work->options, &error);
  const LaunchRequest request = { .plan = plan, .facts = work->facts, .options = &work->options };

  if (plan == NULL || !launch_try (&request, &error))
    host_problems_add (host, TRUE, error->message);
}

/* Looks at the host; with @findings also at the bundle. */
static gboolean
look_at (Look *look, GPtrArray *host, GPtrArray *findings, GError **error)
{
  g_autoptr (GError) no_init = NULL;
  Work *work = &look->work;
  int types = CLONE_NEWNS;

  if (!probe (look, error))
    return FALSE;
  if (!work_set_options (work, &look->request, FALSE, &no_init))
    host_problems_add (host, TRUE, no_init->message);
  if (findings != NULL)
    check_plan (look, host, findings);
  types |= work->plan != NULL ? work->plan->new_namespaces : CLONE_NEWUSER;
  host_problems_find (host, &work->facts->machine, types);
  return TRUE;
}

gboolean
check_read (const CheckRequest *request, Check *ret_check, GError **error)
{
  g_autoptr (GPtrArray) findings = check_properties_new ();
  g_auto (Look) look = { .work = WORK_INIT };
  Check *check = ret_check;
  gboolean of_bundle;

  *check = (Check) { .bundle = g_strdup (request->bundle), .host = host_problems_new () };
  open_store (&look, request, check->host);
  if (!read_config (&look, request, findings, error))
    return FALSE;
  of_bundle = look.work.config != NULL;
  if (!look_at (&look, check->host, of_bundle ? findings : NULL, error))
    return FALSE;
  if (!host_problems_are_fatal (check->host) && !(of_bundle && is_refused (findings)))
    try_host (&look, check->host);
  check->properties = check_sort (look.work.config, look.work.config_length, findings);
  check->works = !host_problems_are_fatal (check->host) && !is_refused (findings);
  return TRUE;
}
