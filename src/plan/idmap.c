/* User and group ids: the maps, who writes them, and how bwrap gets into the user
 * namespace (user_namespaces(7), newuidmap(1)). */
#include "config.h"

#include "plan/builder.h"

#include "base/error.h"
#include "init/ops.h"

#include <sched.h>

/* where adduser(8) and useradd(8) begin to give sub-ids (login.defs(5), SUB_UID_MIN) */
#define SUB_ID_MIN 100000u

/* Everything that differs between uids and gids. */
typedef struct {
  const char *pointer;        /* of the mappings in the configuration */
  const char *kind;           /* "user" */
  const char *table;          /* "/etc/subuid" */
  const char *usermod;        /* its option to add a range */
  const GPtrArray *wanted;    /* of OciIdMapping */
  const GArray *sub_ids;      /* of IdRange */
  const GArray *here;         /* of IdRange: the map of the caller's namespace */
  guint32 caller;
  guint32 process;            /* process.user's id */
} IdKind;

static void
add_line (GArray *map, guint32 inside, guint32 outside, guint32 count)
{
  IdMapLine line = { .inside = inside, .outside = outside, .count = count };

  if (count > 0)
    g_array_append_val (map, line);
}

/* Gives the container's ids from @inside on to one range, without @skip, which is the
 * caller's already. Returns the next free id. */
static guint32
add_range (GArray *map, guint32 inside, const IdRange *range, guint32 skip)
{
  guint32 first = range->first, count = range->count;

  if (inside <= skip && skip - inside < count)
    {
      guint32 before = skip - inside;

      add_line (map, inside, first, before);
      inside = skip + 1;
      first += before;
      count -= before;
    }
  add_line (map, inside, first, count);
  return inside + count;
}

/* Without mappings in the configuration: the process's id is the caller's, every other
 * id from 0 upwards comes from the caller's sub-id ranges. */
static GArray *
default_map (const IdKind *kind, gboolean one_id)
{
  GArray *map = g_array_new (FALSE, FALSE, sizeof (IdMapLine));
  guint32 next = 0;

  add_line (map, kind->process, kind->caller, 1);
  for (guint i = 0; !one_id && i < kind->sub_ids->len; i++)
    {
      const IdRange *range = &g_array_index (kind->sub_ids, IdRange, i);

      if (range->count > G_MAXUINT32 - 1 - next)
        break;
      next = add_range (map, next, range, kind->process);
    }
  return map;
}

/* Every id that exists here, as itself. */
static GArray *
same_map (const IdKind *kind)
{
  GArray *map = g_array_new (FALSE, FALSE, sizeof (IdMapLine));

  for (guint i = 0; i < kind->here->len; i++)
    {
      const IdRange *here = &g_array_index (kind->here, IdRange, i);

      add_line (map, here->inside, here->inside, here->count);
    }
  return map;
}

static GArray *
wanted_map (const IdKind *kind)
{
  GArray *map = g_array_new (FALSE, FALSE, sizeof (IdMapLine));

  for (guint i = 0; i < field_count (kind->wanted); i++)
    {
      const OciIdMapping *wanted = g_ptr_array_index (kind->wanted, i);

      add_line (map, wanted->container_id.value, wanted->host_id.value, wanted->size.value);
    }
  return map;
}

/* The kernel refuses a line that crosses two lines of the map we live in: one line for
 * each piece. Returns FALSE if an id does not exist here. */
static gboolean
split_map (const IdKind *kind, GArray **map)
{
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (IdMapLine));

  for (guint i = 0; i < (*map)->len; i++)
    {
      IdMapLine line = g_array_index (*map, IdMapLine, i);

      while (line.count > 0)
        {
          guint32 taken = 0;

          for (guint k = 0; k < kind->here->len && taken == 0; k++)
            {
              const IdRange *here = &g_array_index (kind->here, IdRange, k);

              if (line.outside >= here->inside && line.outside - here->inside < here->count)
                taken = MIN (line.count, here->count - (line.outside - here->inside));
            }
          if (taken == 0)
            return FALSE;
          add_line (pieces, line.inside, line.outside, taken);
          line.inside += taken;
          line.outside += taken;
          line.count -= taken;
        }
    }
  g_array_unref (*map);
  *map = g_steal_pointer (&pieces);
  return TRUE;
}

/* How many ids from @id on are in the first range that has it; 0: none has. */
static guint32
ids_from (const GArray *ranges, guint32 id)
{
  for (guint i = 0; i < ranges->len; i++)
    {
      const IdRange *range = &g_array_index (ranges, IdRange, i);

      if (id >= range->first && id - range->first < range->count)
        return range->count - (id - range->first);
    }
  return 0;
}

/* As the tools see it: a line may go on from one range to the next. */
static gboolean
may_map (const IdKind *kind, const IdMapLine *line)
{
  IdMapLine left = *line;

  if (line->count == 1 && line->outside == kind->caller)
    return TRUE;
  while (left.count > 0)
    {
      guint32 count = MIN (left.count, ids_from (kind->sub_ids, left.outside));

      if (count == 0)
        return FALSE;
      left.outside += count;
      left.count -= count;
    }
  return TRUE;
}

/* The caller as usermod(8) knows it. Transfer: full. */
static char *
user_name (const MachineFacts *machine)
{
  return machine->user != NULL ? g_strdup (machine->user) : g_strdup_printf ("%u", machine->uid);
}

/* Says what the user may map instead of @line, or the command with which it may. */
static gboolean
refuse_line (const MachineFacts *machine, const IdKind *kind, const IdMapLine *line,
             GError **error)
{
  g_autofree char *user = user_name (machine);
  g_autoptr (GString) why = g_string_new (kind->table);
  /* below that are the ids of people and of the system */
  gboolean may_be_given = line->outside >= SUB_ID_MIN;

  for (guint i = 0; i < kind->sub_ids->len; i++)
    {
      const IdRange *range = &g_array_index (kind->sub_ids, IdRange, i);

      g_string_append_printf (why, "%s %u-%u", i == 0 ? " gives" : ",", range->first,
                              range->first + range->count - 1);
    }
  if (kind->sub_ids->len == 0)
    g_string_prepend (why, "no line in ");
  if (may_be_given || kind->sub_ids->len == 0)
    g_string_append_printf (why, " (usermod --add-sub%ss %u-%u %s)", kind->usermod,
                            may_be_given ? line->outside : SUB_ID_MIN,
                            may_be_given ? line->outside + line->count - 1 : SUB_ID_MIN + 65535,
                            user);
  return plan_refuse (error, kind->pointer, "user %s may not map %u %s ids from %u: %s", user,
                      line->count, kind->kind, line->outside, why->str);
}

/* Whether newuidmap or newgidmap would write @map; says what is missing if not. */
static gboolean
check_sub_ids (PlanContext *context, const IdKind *kind, const GArray *map, GError **error)
{
  for (guint i = 0; i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      if (!may_map (kind, line))
        return refuse_line (&context->facts->machine, kind, line, error);
    }
  return TRUE;
}

/* A map of nothing but the caller's own id, which anybody may write. */
static gboolean
is_own_id (const IdKind *kind, const GArray *map)
{
  const IdMapLine *line = &g_array_index (map, IdMapLine, 0);

  return map->len == 1 && line->count == 1 && line->outside == kind->caller;
}

static gboolean
tools_usable (const MachineFacts *machine)
{
  return machine->newuidmap.able && machine->newgidmap.able;
}

char *
plan_map_tool_problem (const MachineFacts *machine, const MapTool *tool)
{
  const char *name = tool == &machine->newuidmap ? "newuidmap" : "newgidmap";

  if (tool->able)
    return NULL;
  if (tool->path == NULL)
    return g_strdup_printf ("%s is not installed (apt install uidmap)", name);
  if (machine->no_new_privs)
    return g_strdup_printf ("%s has no privilege under no_new_privs (in a unit:"
                            " NoNewPrivileges=no)", tool->path);
  return g_strdup_printf ("%s has no privilege: it needs the set-user-ID bit (chmod u+s %s)",
                          tool->path, tool->path);
}

/* Why the tools cannot be used, with the command that mends it. Transfer: full. */
static char *
tools_problem (const MachineFacts *machine)
{
  return plan_map_tool_problem (machine, machine->newuidmap.able ? &machine->newgidmap
                                                                 : &machine->newuidmap);
}

char *
plan_sub_ids_problem (const MachineFacts *machine)
{
  g_autofree char *user = user_name (machine);

  if (machine->sub_uids->len > 0 && machine->sub_gids->len > 0)
    return NULL;
  if (!machine->initial_user_ns)
    return g_strdup_printf ("no sub-ids of user %s exist in this user namespace", user);
  return g_strdup_printf ("user %s has no sub-ids (usermod --add-subuids %u-%u --add-subgids %u-%u"
                          " %s)", user, SUB_ID_MIN, SUB_ID_MIN + 65535, SUB_ID_MIN,
                          SUB_ID_MIN + 65535, user);
}

/* Why no more than one id is mapped where the configuration leaves that to us, with the command
 * that mends it. Transfer: full. */
static char *
one_id_problem (const MachineFacts *machine)
{
  char *problem = plan_sub_ids_problem (machine);

  return problem != NULL ? problem : tools_problem (machine);
}

/* Files of this namespace's root could be given capabilities in one that has its id 0: so the
 * kernel wants the right to do that here (user_namespaces(7), "CAP_SETFCAP"). */
static gboolean
check_root_mapped (PlanContext *context, GError **error)
{
  const MachineFacts *machine = &context->facts->machine;

  if (machine->uid != 0 || (machine->capabilities & HOST_CAP_SETFCAP) != 0
      || !plan_id_is_inside (context->plan->uid_map, 0))
    return TRUE;
  return plan_refuse (error, "/linux/uidMappings", "id 0 of this user namespace can be mapped only"
                      " with CAP_SETFCAP (bwrap --cap-add CAP_SETFCAP, or as another user)");
}

/* Decides who writes the maps, and checks that they will be accepted. */
static gboolean
choose_writer (PlanContext *context, const IdKind kinds[2], GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  const HostCapabilities both = HOST_CAP_SETUID | HOST_CAP_SETGID;
  Plan *plan = context->plan;
  GArray **maps[2] = { &plan->uid_map, &plan->gid_map };

  if ((machine->capabilities & both) == both)
    {
      plan->maps = MAPS_DIRECT;
      for (int i = 0; i < 2; i++)
        if (!split_map (&kinds[i], maps[i]))
          return plan_refuse (error, kinds[i].pointer, "a host %s id does not exist in this user"
                              " namespace", kinds[i].kind);
      return TRUE;
    }
  if (is_own_id (&kinds[0], plan->uid_map) && is_own_id (&kinds[1], plan->gid_map))
    {
      plan->maps = MAPS_DIRECT;
      plan->setgroups_deny = TRUE;
      return TRUE;
    }
  plan->maps = MAPS_TOOLS;
  if (!tools_usable (machine))
    {
      g_autofree char *problem = tools_problem (machine);

      return plan_refuse (error, kinds[0].pointer, "more than one id is mapped, but %s", problem);
    }
  return check_sub_ids (context, &kinds[0], plan->uid_map, error)
         && check_sub_ids (context, &kinds[1], plan->gid_map, error);
}

static gboolean
refuse_group (const PlanContext *context, const char *at, guint32 gid, GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  g_autofree char *problem = NULL;

  /* of a container that exists the reason is not known any more */
  if (!context->plan->setgroups_deny || machine->sub_uids == NULL)
    return plan_refuse (error, at, "group id %u is not mapped", gid);
  problem = one_id_problem (machine);
  return plan_refuse (error, at, "group id %u is not mapped, only one id is: %s", gid, problem);
}

gboolean
plan_check_ids (PlanContext *context, GError **error)
{
  const OciUser *user = context->process != NULL ? context->process->user : NULL;
  const GArray *groups = user != NULL ? user->additional_gids : NULL;
  const Plan *plan = context->plan;

  if (user == NULL)
    return TRUE;
  if (!plan_id_is_mapped (plan->uid_map, user->uid.value))
    return plan_refuse (error, "/process/user/uid", "user id %u is not mapped", user->uid.value);
  if (!plan_id_is_mapped (plan->gid_map, user->gid.value))
    return plan_refuse (error, "/process/user/gid", "group id %u is not mapped", user->gid.value);
  for (guint i = 0; groups != NULL && i < groups->len; i++)
    if (!plan_id_is_mapped (plan->gid_map, g_array_index (groups, guint32, i)))
      {
        g_autofree char *at = g_strdup_printf ("/process/user/additionalGids/%u", i);

        return refuse_group (context, at, g_array_index (groups, guint32, i), error);
      }
  return TRUE;
}

gboolean
plan_id_is_inside (const GArray *map, guint32 id)
{
  if (map == NULL)
    return TRUE;
  for (guint i = 0; i < map->len; i++)
    {
      const IdMapLine *line = &g_array_index (map, IdMapLine, i);

      if (id >= line->outside && id - line->outside < line->count)
        return TRUE;
    }
  return FALSE;
}

/* The first directory above @source that the container's root may not search, as far as is known:
 * who the root of a user namespace is that is joined is not. NULL: it may. */
static const char *
first_closed (const Plan *plan, const SourceFacts *source)
{
  if (plan->userns != USERNS_ENTER && plan->userns != USERNS_JOIN)
    return NULL;
  for (guint i = 0; i < field_count (source->closed); i++)
    {
      const ClosedDirectory *closed = g_ptr_array_index (source->closed, i);

      /* over what belongs to ids of the container its root has every right */
      if (plan->userns == USERNS_JOIN || !plan_id_is_inside (plan->uid_map, closed->uid)
          || !plan_id_is_inside (plan->gid_map, closed->gid))
        return closed->path;
    }
  return NULL;
}

gboolean
plan_check_search (const Plan *plan, const SourceFacts *source, const char *pointer,
                   GError **error)
{
  const char *closed = plan->userns == USERNS_ENTER ? first_closed (plan, source) : NULL;

  return closed == NULL
         || plan_refuse (error, pointer, "the container's root is not the caller and may not"
                         " search %s (chmod o+x %s)", closed, closed);
}

gboolean
plan_is_out_of_reach (const PlanContext *context, const SourceFacts *source)
{
  return first_closed (context->plan, source) != NULL
         && plan_privileged (&context->facts->machine);
}

/* /proc/PID of a process belongs to its own root as long as it may be looked at, otherwise to the
 * root of the user namespace that its program is from (proc(5)). Root of a user namespace who has
 * dropped its capabilities can open but its own: so pasta and others come to the network of a
 * container that waits for its start. Everybody else comes to it only as things are by default; who
 * lacks CAP_SYS_PTRACE would not come to it any more. */
static gboolean
wants_opaque_init (const PlanContext *context)
{
  const MachineFacts *machine = &context->facts->machine;

  return context->options->gate && !context->options->plain && !machine->initial_user_ns
         && machine->uid == 0 && (machine->capabilities & HOST_CAP_SYS_PTRACE) != 0;
}

/* bwrap's set-up runs with the caller's ids, so these must exist inside; and the init
 * takes on ids 0, which it can where they exist. */
static gboolean
choose_entry (PlanContext *context, const IdKind kinds[2], GError **error)
{
  const SourceFacts *root = context->facts->bundle.root;
  Plan *plan = context->plan;
  gboolean root_mapped = plan_id_is_mapped (plan->uid_map, 0)
                         && plan_id_is_mapped (plan->gid_map, 0);

  if (plan_id_is_inside (plan->uid_map, kinds[0].caller)
      && plan_id_is_inside (plan->gid_map, kinds[1].caller))
    {
      plan->userns = USERNS_BWRAP;
      return TRUE;
    }
  if (!root_mapped)
    return plan_refuse (error, kinds[0].pointer, "neither the caller's ids nor ids 0 of the"
                        " container are mapped");
  plan->userns = USERNS_ENTER;
  plan->opaque_init = wants_opaque_init (context);
  return plan_check_search (plan, root, "/root/path", error);
}

/* What is mapped: as the configuration says, or as is of most use. */
static gboolean
choose_maps (PlanContext *context, const IdKind kinds[2], GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  gboolean one_id = machine->sub_uids->len == 0 || machine->sub_gids->len == 0
                    || (!plan_privileged (machine) && !tools_usable (machine));
  gboolean wanted = field_count (kinds[0].wanted) > 0;
  gboolean same = !wanted && plan_privileged (machine) && one_id && !machine->initial_user_ns;
  Plan *plan = context->plan;
  GArray **maps[2] = { &plan->uid_map, &plan->gid_map };

  if (!wanted && !same && plan_privileged (machine) && one_id)
    return plan_refuse (error, kinds[0].pointer,
                        "User namespaces enabled, but no uid mappings found.");
  if (same)
    plan_note (plan, kinds[0].pointer, "the ids of this user namespace are mapped as they are");
  else if (!wanted && one_id)
    {
      g_autofree char *problem = one_id_problem (machine);

      plan_note (plan, kinds[0].pointer, "only one id is mapped: %s", problem);
    }
  for (int i = 0; i < 2; i++)
    *maps[i] = wanted ? wanted_map (&kinds[i])
               : same ? same_map (&kinds[i]) : default_map (&kinds[i], one_id);
  return TRUE;
}

gboolean
plan_idmap (PlanContext *context, GError **error)
{
  const MachineFacts *machine = &context->facts->machine;
  const OciLinux *linux_ = context->spec->linux_;
  const OciUser *user = context->process != NULL ? context->process->user : NULL;
  Plan *plan = context->plan;
  const IdKind kinds[2] = {
    { .pointer = "/linux/uidMappings", .kind = "user", .table = "/etc/subuid", .usermod = "uid",
      .wanted = linux_->uid_mappings, .sub_ids = machine->sub_uids, .here = machine->uid_map,
      .caller = machine->uid, .process = user != NULL ? user->uid.value : 0 },
    { .pointer = "/linux/gidMappings", .kind = "group", .table = "/etc/subgid", .usermod = "gid",
      .wanted = linux_->gid_mappings, .sub_ids = machine->sub_gids, .here = machine->gid_map,
      .caller = machine->gid, .process = user != NULL ? user->gid.value : 0 },
  };

  if (!(plan->new_namespaces & CLONE_NEWUSER))
    return TRUE;  /* the caller's, or one that exists: its ids are for the kernel to judge */
  if (!choose_maps (context, kinds, error) || !check_root_mapped (context, error))
    return FALSE;
  return choose_writer (context, kinds, error) && plan_check_ids (context, error)
         && choose_entry (context, kinds, error);
}

gboolean
plan_all_ids (Plan *plan, const MachineFacts *machine, GError **error)
{
  const HostCapabilities both = HOST_CAP_SETUID | HOST_CAP_SETGID;
  const IdKind kinds[2] = {
    { .here = machine->uid_map, .sub_ids = machine->sub_uids, .caller = machine->uid },
    { .here = machine->gid_map, .sub_ids = machine->sub_gids, .caller = machine->gid },
  };
  gboolean any = (machine->capabilities & both) == both;
  g_autofree char *problem = NULL;

  if (!any && (machine->sub_uids->len == 0 || machine->sub_gids->len == 0
               || !tools_usable (machine)))
    {
      problem = one_id_problem (machine);
      return throw (error, "%s", problem);
    }
  plan->maps = any ? MAPS_DIRECT : MAPS_TOOLS;
  plan->uid_map = any ? same_map (&kinds[0]) : default_map (&kinds[0], FALSE);
  plan->gid_map = any ? same_map (&kinds[1]) : default_map (&kinds[1], FALSE);
  return TRUE;
}
