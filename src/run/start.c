/* Starting a container; see start.h.
 *
 * What the init reports names a row of the Plan, which is long gone; but only the last operations
 * come after the gate, and each of them belongs to one property. */
#include "config.h"

#include "run/start.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "run/delete.h"
#include "run/hooks.h"
#include "run/kill.h"
#include "run/notify.h"
#include "run/starting.h"

typedef struct {
  const char *pointer;
  const char *what;
} LateRow;

static const LateRow late_rows[OP_CODE_N] = {
  [OP_IDS] = { "/process/user", "take on the ids" },
  [OP_CAPABILITIES] = { "/process/capabilities", "take on the capabilities" },
  [OP_NO_NEW_PRIVS] = { "/process/noNewPrivileges", "set the bit" },
  [OP_SECCOMP] = { "/linux/seccomp", "load the filter" },
  [OP_ARGUMENTS] = { "/process/args", "prepare the arguments" },
  [OP_ENVIRONMENT] = { "/process/env", "prepare the environment" },
};

static gboolean
refuse (ContainerStatus status, GError **error)
{
  if (status == CONTAINER_STOPPED)
    return throw (error, "cannot start a container that has stopped");
  return throw (error, "cannot start an already running container");
}

static gboolean
fail_from_report (const struct report *report, GError **error)
{
  static const LateRow none = { NULL, NULL };
  const LateRow *row = report->code < OP_CODE_N ? &late_rows[report->code] : &none;

  return report_to_error (report, row->pointer, row->what, error);
}

/* Says "start"; @starting gets what the init sends. A hook that fails sets *@hooked. */
static gboolean
talk (Starting *starting, int socket, gboolean *hooked, GError **error)
{
  struct report report = { 0 };
  int got;

  if (!command_send (socket, COMMAND_START, error))
    return FALSE;
  got = starting_wait (starting, socket, &report, error);
  *hooked = got > 0 ? report.code == OP_HOOK : got < 0 && starting->container->record->hooks.value;
  return got > 0 ? fail_from_report (&report, error) : got == 0;
}

static gboolean
run_poststart (const Container *container, const OciSpec *spec, gboolean *hooked, GError **error)
{
  HookRequest request = { .hooks = spec != NULL ? spec->hooks : NULL,
                          .record = container->record, .pid = container->init.pid };

  *hooked = !hooks_run (&request, HOOK_POSTSTART, error);
  return !*hooked;
}

/* Undoes a start that has failed. Where a hook is the reason nothing of the container is left
 * (runtime-spec runtime.md, "Lifecycle"). The error stands already. */
static void
undo (Container *container, gboolean hooked)
{
  g_autoptr (GError) ignored = NULL;

  if (!container_end (container, &ignored)
      || (hooked && !container_dispose (container, &ignored)))
    log_warning ("%s", ignored->message);
}

/* The manager that create was told of hears when the program is ready. */
static gboolean
wait_ready (Container *container, int socket, GError **error)
{
  Notify notify = { .socket = socket, .outer = container->record->notify_socket,
                    .main_pid = container->init.pid };
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  autofd pidfd = -1;

  /* it may take its time, and others have to do with the container meanwhile */
  container_unlock (container);
  if (!container_pidfd (container, &pidfd, error))
    return FALSE;
  if (pidfd >= 0)
    return interrupt_open (&interrupt, error)
           && notify_wait_ready (&notify, pidfd, &interrupt, error);
  (void) notify_relay (&notify);
  return TRUE;
}

/* From the connection to the gate to a program that runs. */
static gboolean
start (Container *container, int socket, int *ret_notify, GError **error)
{
  gboolean with_hooks = container->record->hooks.value, hooked = FALSE, started;
  /* what has begun is finished, or ended: of hooks before the program and after it somebody may
   * have enough */
  g_auto (Interrupt) interrupt = INTERRUPT_INIT;
  Starting starting = { .container = container, .interrupt = &interrupt, .notify = -1 };
  g_autoptr (OciSpec) spec = with_hooks ? container_spec (container, error) : NULL;
  g_autoptr (GError) ignored = NULL;

  if ((with_hooks && spec == NULL) || !interrupt_open (&interrupt, error))
    return FALSE;
  started = talk (&starting, socket, &hooked, error);
  *ret_notify = starting.notify;
  /* nobody listens behind it any more: the status does not depend on it */
  if (!container_gate_remove (container, &ignored))
    log_debug ("%s", ignored->message);
  started = started && run_poststart (container, spec, &hooked, error);
  /* but a program may take for ever until it is ready */
  if (!started || starting.notify < 0)
    interrupt_seal (&interrupt);
  if (!started)
    undo (container, hooked);
  return started;
}

gboolean
container_start (Container *container, GError **error)
{
  ContainerStatus status = container_status (container);
  autofd socket = -1, notify = -1;

  if (!container_check (container, error))
    return FALSE;
  if (status != CONTAINER_CREATED)
    return refuse (status, error);
  if (container->record->no_process.value)
    return throw (error, "config.json: /process: missing: there is nothing to run");
  if (!container_gate_connect (container, &socket, error))
    return FALSE;
  if (socket < 0)
    return refuse (CONTAINER_STOPPED, error);
  return start (container, socket, &notify, error)
         && (notify < 0 || wait_ready (container, notify, error));
}
