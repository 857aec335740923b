/* The way of create and run; see create.h. */
#include "config.h"

#include "run/create.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "host/paths.h"
#include "plan/plain.h"
#include "plan/print.h"
#include "run/console.h"
#include "run/delete.h"
#include "run/hooks.h"
#include "run/interrupt.h"
#include "run/kill.h"
#include "run/launch.h"
#include "run/layer.h"
#include "run/list.h"
#include "run/passfd.h"
#include "run/pidfile.h"
#include "run/steps.h"
#include "run/supervise.h"
#include "run/targets.h"
#include "run/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long what has been killed may take to be gone. */
#define ENDING_MS 2000

#define SYSTEM_BUS "/run/dbus/system_bus_socket"

void
create_request_clear (CreateRequest *request)
{
  g_clear_pointer (&request->id, g_free);
  g_clear_pointer (&request->bundle, g_free);
  g_clear_pointer (&request->pid_file, g_free);
  g_clear_pointer (&request->console_socket, g_free);
  g_clear_pointer (&request->pidfd_socket, g_free);
  g_clear_pointer (&request->session_bus, g_free);
  g_clear_pointer (&request->overlay, g_free);
  g_clear_pointer (&request->overlay_lower, g_ptr_array_unref);
  g_clear_pointer (&request->mount_program, g_free);
}

/* What later commands need to know, since nobody will tell them again. */
static void
fill_record (ContainerRecord *record, const Work *work, const CreateRequest *request)
{
  record->oci_version = g_strdup (work->spec->oci_version);
  record->bundle = g_strdup (request->bundle);
  record->rootfs = g_strdup (work->facts->bundle.root->path);
  record->layer = g_strdup (work->layer.directory);
  record->bwrap = g_strdup (work->facts->machine.bwrap.path);
  record->cgroup_manager = request->cgroup_manager;
  record->annotations = work->spec->annotations != NULL
                          ? g_ptr_array_ref (work->spec->annotations) : NULL;
  record->own_pid_ns = (OptBool) { TRUE, work->plan->own_pid_ns };
  record->no_new_privs = (OptBool) { TRUE, work->plan->no_new_privs };
  record->terminal = (OptBool) { TRUE, work->plan->terminal };
  record->plain = (OptBool) { work->plan->plain, work->plan->plain };
  record->no_process = (OptBool) { work->spec->process == NULL, work->spec->process == NULL };
  record->hooks = (OptBool) { TRUE, hooks_come_later (work->spec->hooks) };
  record->notify_socket = g_strdup (request->notify_socket);
}

/* In the plain mode nobody else may change the root meanwhile, as its other containers could. */
static gboolean
check_unshared (const Store *store, const Work *work, GError **error)
{
  g_autoptr (GPtrArray) entries = list_containers (store, error);

  for (guint i = 0; entries != NULL && i < entries->len; i++)
    {
      const ListEntry *entry = g_ptr_array_index (entries, i);

      if (entry->record != NULL && container_status_is_alive (entry->status)
          && strcmp (entry->record->rootfs, work->facts->bundle.root->path) == 0)
        return throw (error, "config.json: /root/path: %s: container %s has it too, and could"
                             " change it meanwhile (not in the plain mode)",
                      entry->record->rootfs, entry->id);
    }
  return entries != NULL;
}

/* Where the systemd is that makes the caller's scopes. */
static const char *
bus_of (const CreateRequest *request, const MachineFacts *machine)
{
  return plan_privileged (machine) && machine->initial_user_ns ? SYSTEM_BUS : request->session_bus;
}

/* From the plan to a container on record whose init waits; the pid file comes last. */
static gboolean
bring_up (Launch *waiting, Container *container, const Work *work, const CreateRequest *request,
          GError **error)
{
  LaunchRequest launch_request = { .plan = work->plan, .facts = work->facts,
                                   .options = &work->options, .container = container,
                                   .bus = bus_of (request, &work->facts->machine) };
  autofd claim = -1;

  if (work->layer.kind == LAYER_DIRECTORY
      && !layer_claim (container->store, g_ptr_array_index (work->facts->bundle.layers, 0),
                       work->layer.at, &claim, error))
    return FALSE;
  if (work->plan->plain
      && (!check_unshared (container->store, work, error)
          || !targets_prepare (work->plan, work->facts, TRUE, error)))
    return FALSE;
  fill_record (container->record, work, request);
  /* a copy, since exec and hooks of later need what was given now */
  return launch (waiting, &launch_request, error)
         && container_write (container, CONTAINER_CONFIG_FILE, work->config,
                             work->config_length, error)
         && container_save (container, error)
         && pass_pidfd (request->pidfd_socket, "standard", waiting->bwrap.child_pidfd, error)
         && (request->pid_file == NULL
             || pid_file_write (request->pid_file, waiting->bwrap.child, error));
}

/* Whether its first process is gone. It has been killed, but what waits in the kernel may not end
 * before what it waits for: a file system of somebody else's, perhaps. */
static gboolean
has_ended (const Container *container)
{
  autofd pidfd = -1;

  return container_pidfd (container, &pidfd, NULL)
         && (pidfd < 0 || proc_pidfd_wait (pidfd, ENDING_MS));
}

/* Undoes everything, @pid_file too unless that is NULL; the error stands already. What does not end
 * stays on record. */
static void
tear_down (Launch *waiting, Container *container, const OciSpec *spec, const char *pid_file)
{
  g_autoptr (GError) ignored = NULL;

  launch_clear (waiting);
  if (!has_ended (container))
    {
      log_warning ("container %s: its init does not end", container->id);
      return;
    }
  if (pid_file != NULL)
    pid_file_remove (pid_file);
  if (!container_remove (container, &ignored))
    log_warning ("%s", ignored->message);
  if (waiting->hooked)
    hooks_run_poststop (&(HookRequest) { .hooks = spec->hooks, .record = container->record });
}

gboolean
create_container (const Store *store, const CreateRequest *request, GError **error)
{
  /* to the very end: what is undone is undone wholly, whatever comes meanwhile */
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  g_auto (Work) work = WORK_INIT;
  g_auto (Launch) waiting = LAUNCH_INIT;
  g_autoptr (Container) container = NULL;
  gboolean up, made;

  if (!work_prepare (&work, store, request, TRUE, error) || !interrupt_open (&interrupt, error))
    return FALSE;
  waiting.bwrap.interrupt = &interrupt;
  container = container_create (store, request->id, error);
  if (container == NULL)
    return FALSE;
  up = bring_up (&waiting, container, &work, request, error);
  made = up && console_take (&waiting.console, NULL, request->console_socket, error)
         && launch_commit (&waiting, error)
         && interrupt_check (&interrupt, error);
  interrupt_seal (&interrupt);
  if (made)
    launch_release (&waiting);
  else
    tear_down (&waiting, container, work.spec, up ? request->pid_file : NULL);
  return made;
}

/* Runs the program, and then the hooks that want to know of it. */
static gboolean
start_program (Launch *waiting, const Work *work, Container *container, GError **error)
{
  HookRequest request = { .hooks = work->spec->hooks, .record = container->record,
                          .pid = container->init.pid };

  if (!launch_start (waiting, work->plan, container, error))
    return FALSE;
  if (hooks_run (&request, HOOK_POSTSTART, error))
    return TRUE;
  (void) container_end (container, NULL);
  return FALSE;
}

/* To the end of the program. */
static gboolean
wait_for_end (Launch *running, Console *console, const sigset_t *signals, int *ret_status,
              GError **error)
{
  Notify notify = { .socket = running->notify, .outer = running->record->notify_socket };
  Supervision supervision = { .pid = running->bwrap.child, .pidfd = running->bwrap.child_pidfd,
                              .console = console->master >= 0 ? console : NULL,
                              .signals = *signals,
                              .notify = notify.socket >= 0 ? &notify : NULL };
  gboolean ended = supervise_wait (&supervision, ret_status, error);

  fd_clear (&running->bwrap.child_pidfd);
  return ended;
}

/* Removes the container, unless somebody else has done so meanwhile. */
static gboolean
remove_ended (Container *container, GError **error)
{
  gboolean there;

  return container_lock_again (container, &there, error)
         && (!there || container_dispose (container, error));
}

gboolean
run_container (const Store *store, const CreateRequest *request, int *ret_status, GError **error)
{
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  g_auto (Work) work = WORK_INIT;
  g_auto (Launch) running = LAUNCH_INIT;
  g_auto (Console) console = CONSOLE_INIT;
  g_autoptr (Container) container = NULL;
  gboolean up, started;
  sigset_t signals;

  if (request->detach && request->notify_socket != NULL)
    {
      *ret_status = 0;
      return run_in_steps (store, request, error);
    }
  if (!work_prepare (&work, store, request, FALSE, error))
    return FALSE;
  if (!request->detach && !supervise_block (&signals, error))
    return FALSE;
  if (!interrupt_open (&interrupt, error))
    return FALSE;
  running.bwrap.interrupt = &interrupt;
  container = container_create (store, request->id, error);
  if (container == NULL)
    return FALSE;
  up = bring_up (&running, container, &work, request, error);
  started = up && console_take (&running.console, &console, request->console_socket, error)
            && interrupt_check (&interrupt, error)
            && start_program (&running, &work, container, error);
  /* from now on a signal is for the program */
  interrupt_seal (&interrupt);
  if (!started)
    {
      tear_down (&running, container, work.spec, up ? request->pid_file : NULL);
      return FALSE;
    }
  if (request->detach)
    {
      launch_release (&running);
      *ret_status = 0;
      return TRUE;
    }
  container_unlock (container);
  if (!wait_for_end (&running, &console, &signals, ret_status, error))
    {
      /* nobody would look after it any more */
      (void) container_end (container, NULL);
      if (!request->keep)
        (void) remove_ended (container, NULL);
      return FALSE;
    }
  return request->keep || remove_ended (container, error);
}

gboolean
print_plan (const Store *store, const CreateRequest *request, gboolean json, GError **error)
{
  g_auto (Work) work = WORK_INIT;

  if (!work_prepare (&work, store, request, FALSE, error))
    return FALSE;
  if (json)
    {
      g_autoptr (GString) text = plan_format_json (work.plan);

      (void) fputs (text->str, stdout);
    }
  else
    plan_print (work.plan, work.facts, &work.options);
  return TRUE;
}

gboolean
print_plain (const Store *store, const CreateRequest *request, GError **error)
{
  g_auto (Work) work = WORK_INIT;
  g_autoptr (Plain) plain = NULL;

  if (!work_read_spec (&work, request, error) || !work_probe (&work, store, request, error))
    return FALSE;
  if (work.facts->machine.bwrap.problem != NULL)
    return throw (error, "%s", work.facts->machine.bwrap.problem);
  if (work.layer.kind != LAYER_NONE)
    return throw (error, "%s: not with --plain", work.layer.at);
  host_paths_probe (work.spec, &work.facts->bundle);
  plain = plain_new (work.spec, work.facts, error);
  if (plain == NULL)
    return FALSE;
  plain_print (plain);
  return TRUE;
}
