/* The pure parts of cgroups: where, which limits, the rules on devices as programs. */
#include "config.h"

#include "cgroup/devices.h"
#include "cgroup/record.h"
#include "host/cgroups.h"
#include "base/proc.h"
#include "plan/cgroup.h"

#include <string.h>

/* --- where --- */

static void
test_paths (void)
{
  static const struct {
    const char *own;
    const char *wanted;
    const char *path;
  } cases[] = {
    { "/", NULL, "/bwrap-oci-c1" },
    { "/a/b", NULL, "/a/b/bwrap-oci-c1" },
    { NULL, NULL, NULL },
    { "/a", "/x/y", "/x/y" },
    { NULL, "/x/y", "/x/y" },
    { "/a", "/../../x", "/x" },
    { "/a", "/x/./y/../z//", "/x/z" },
    { "/a", "/", "/" },
    { "/a", "x/y", "/a/x/y" },
    { "/", "x/y", "/x/y" },
    { "/a", "../../x", "/a/x" },
    { "/a", "..", "/a" },
    { "/", ".", "/" },
    { NULL, "x", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = plan_cgroup_path (cases[i].own, cases[i].wanted, "c1");

      g_assert_cmpstr (path, ==, cases[i].path);
    }
}

static void
test_mounts (void)
{
  static const char text[]
    = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
      "33 31 0:30 /docker/x /a\\040b rw - cgroup cgroup rw,xattr,name=systemd\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw master:1 - cgroup2 cgroup2 rw\n"
      "42 31 bad / /nowhere rw - cgroup2 cgroup2 rw\n"
      "no line\n";
  g_autoptr (GPtrArray) mounts = cgroup_mounts_parse (text);
  const CgroupMount *mount;

  g_assert_cmpuint (mounts->len, ==, 3);
  mount = g_ptr_array_index (mounts, 0);
  g_assert_cmpstr (mount->options, ==, "cpu,cpuacct");
  g_assert_cmpstr (mount->mount, ==, "/sys/fs/cgroup/cpu,cpuacct");
  mount = g_ptr_array_index (mounts, 1);
  g_assert_cmpstr (mount->options, ==, "name=systemd");
  g_assert_cmpstr (mount->mount, ==, "/a b");
  g_assert_cmpstr (mount->root, ==, "/docker/x");
  mount = g_ptr_array_index (mounts, 2);
  g_assert_null (mount->options);
}

static void
test_own (void)
{
  static const char text[] = "3:name=systemd:/user.slice/a\n2:cpu,cpuacct:/\n1:memory:/x:y\n"
                             "0::/user.slice/a/bwrap-oci-supervisor\n";
  static const struct {
    const char *options;
    const char *root;
    const char *own;
  } cases[] = {
    { "name=systemd", "/", "/user.slice/a" },
    { "name=systemd", "/user.slice", "/a" },
    { "name=systemd", "/user.slice/a", "/" },
    { "name=systemd", "/user.slice/ab", NULL },
    { "name=systemd", "/user.sli", NULL },
    { "name=systemd", "/..", NULL },
    { "cpu,cpuacct", "/", "/" },
    { "cpu,cpuacct", "/x", NULL },
    { "memory", "/", "/x:y" },
    { "pids", "/", NULL },
    { NULL, "/", "/user.slice/a" },
    { NULL, "/user.slice/a", "/" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CgroupMount mount = { .options = (char *) cases[i].options, .root = (char *) cases[i].root };
      g_autofree char *own = cgroup_own_parse (text, &mount);

      g_assert_cmpstr (own, ==, cases[i].own);
    }
}

/* --- limits --- */

static void
free_facts (gpointer data)
{
  cgroup_facts_free (data);
}

/* Hierarchies by their options; "v2:..." are controllers of cgroup v2. */
static GPtrArray *
hierarchies (const char *text)
{
  GPtrArray *all = g_ptr_array_new_with_free_func (free_facts);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (char **word = words; *word != NULL; word++)
    {
      CgroupFacts *facts = g_new0 (CgroupFacts, 1);
      gboolean v2 = g_str_has_prefix (*word, "v2:");

      facts->options = v2 ? NULL : g_strdup (*word);
      facts->controllers = g_strsplit (v2 ? *word + 3 : *word, ",", -1);
      g_ptr_array_add (all, facts);
    }
  return all;
}

typedef struct {
  const char *resources;    /* with ' for " */
  const char *hierarchies;
  const char *settings;     /* INDEX FILE=VALUE;..., "!" before what is only set, not asked for;
                             * or the error */
} LimitCase;

#define V1 "memory cpu,cpuacct cpuset pids blkio hugetlb net_cls,net_prio rdma"
#define V2 "v2:memory,cpu,cpuset,pids,io,hugetlb,rdma"
#define BOTH "memory v2:pids"

static const LimitCase limit_cases[] = {
  { "{}", V1, "" },
  { "{'memory':{'limit':5,'swap':7,'reservation':3}}", V1,
    "0 memory.limit_in_bytes=5;0 memory.memsw.limit_in_bytes=7;0 memory.soft_limit_in_bytes=3" },
  { "{'memory':{'limit':5,'swap':7,'reservation':3}}", V2,
    "0 memory.max=5;0 memory.swap.max=2;0 memory.low=3" },
  { "{'memory':{'limit':-1}}", V1,
    "!0 memory.memsw.limit_in_bytes=-1;!0 memory.limit_in_bytes=-1" },
  { "{'memory':{'limit':-1}}", V2, "!0 memory.swap.max=max;!0 memory.max=max" },
  { "{'memory':{'limit':-1}}", "pids", "" },
  { "{'memory':{'limit':0,'swap':0,'kernel':0}}", V1, "" },
  { "{'memory':{'limit':5,'swap':-1}}", V2, "0 memory.max=5;!0 memory.swap.max=max" },
  { "{'memory':{'swap':7}}", V2,
    "/memory/swap: without a limit of memory it says nothing about swap" },
  { "{'memory':{'limit':9,'swap':7}}", V2,
    "/memory/swap: 7 is less than the limit of memory, 9" },
  { "{'memory':{'limit':5}}", "pids", "/memory/limit: there is no memory controller" },
  { "{'memory':{'kernel':5}}", V2, "/memory/kernel: only cgroup v1 has such a limit" },
  { "{'memory':{'swappiness':0}}", V1, "0 memory.swappiness=0" },
  { "{'memory':{'swappiness':0}}", V2, "/memory/swappiness: only cgroup v1 has such a limit" },
  { "{'memory':{'disableOOMKiller':true}}", V1, "0 memory.oom_control=1" },
  { "{'memory':{'disableOOMKiller':false}}", V2, "" },
  { "{'cpu':{'shares':1024,'quota':50000,'period':100000}}", V1,
    "1 cpu.shares=1024;1 cpu.cfs_period_us=100000;1 cpu.cfs_quota_us=50000" },
  { "{'cpu':{'shares':1024,'quota':50000,'period':100000}}", V2,
    "0 cpu.weight=100;0 cpu.max=50000 100000" },
  { "{'cpu':{'quota':50000}}", V2, "0 cpu.max=50000" },
  { "{'cpu':{'quota':-1}}", V2, "!0 cpu.max=max" },
  { "{'cpu':{'period':20000}}", V2, "0 cpu.max=max 20000" },
  { "{'cpu':{'shares':2,'idle':1}}", V2, "0 cpu.idle=1" },
  { "{'cpu':{'shares':2,'idle':1}}", V1, "1 cpu.idle=1" },
  { "{'cpu':{'idle':1},'unified':{'cpu.weight':'8'}}", V2, "0 cpu.idle=1" },
  { "{'cpu':{'idle':1},'unified':{'cpu.idle':'0','cpu.weight':'8'}}", V2,
    "0 cpu.idle=0;0 cpu.weight=8" },
  { "{'unified':{'cpu.weight.nice':'8','cpu.idle':'1'}}", V2, "0 cpu.idle=1" },
  { "{'cpu':{'shares':2,'idle':0}}", V2, "!0 cpu.idle=0;0 cpu.weight=1" },
  { "{'cpu':{'burst':0,'quota':-1}}", V2, "!0 cpu.max.burst=0;!0 cpu.max=max" },
  { "{'cpu':{'cpus':'0-1','mems':''}}", V1, "2 cpuset.cpus=0-1" },
  { "{'cpu':{'realtimeRuntime':5}}", V1, "1 cpu.rt_runtime_us=5" },
  { "{'cpu':{'realtimeRuntime':5}}", V2, "/cpu/realtimeRuntime: only cgroup v1 has such a limit" },
  { "{'pids':{'limit':-1}}", V1, "!3 pids.max=max" },
  { "{'pids':{'limit':3},'memory':{'limit':5}}", BOTH, "0 memory.limit_in_bytes=5;1 pids.max=3" },
  { "{'blockIO':{'weight':500,'leafWeight':300}}", V1,
    "4 blkio.bfq.weight=500 or blkio.weight=500;4 blkio.leaf_weight=300" },
  { "{'blockIO':{'weight':500}}", V2, "0 io.bfq.weight=500 or io.weight=4950" },
  { "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':10}]}}", V2,
    "0 io.bfq.weight=8:0 10 or io.weight=8:0 1" },
  { "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':9}],"
    "'throttleWriteIOPSDevice':[{'major':8,'minor':1,'rate':0}]}}", V1,
    "4 blkio.throttle.read_bps_device=8:0 9;!4 blkio.throttle.write_iops_device=8:1 0" },
  { "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':9}],"
    "'throttleWriteIOPSDevice':[{'major':8,'minor':1,'rate':0}]}}", V2,
    "0 io.max=8:0 rbps=9;!0 io.max=8:1 wiops=max" },
  { "{'hugepageLimits':[{'pageSize':'2MB','limit':0}]}", V2,
    "0 hugetlb.2MB.rsvd.max=0;0 hugetlb.2MB.max=0" },
  { "{'network':{'classID':5,'priorities':[{'name':'lo','priority':3}]}}", V1,
    "6 net_cls.classid=5;6 net_prio.ifpriomap=lo 3" },
  { "{'network':{'classID':5}}", V2, "/network/classID: only cgroup v1 has such a limit" },
  { "{'rdma':{'mlx':{'hcaHandles':3,'hcaObjects':0}}}", V1,
    "7 rdma.max=mlx hca_handle=3 hca_object=0" },
  { "{'unified':{'memory.high':'5','cgroup.max.depth':'2'}}", V2,
    "0 memory.high=5;0 cgroup.max.depth=2" },
  { "{'unified':{'io.max':'8:0 riops=5\\n8:16 wiops=6\\n'}}", V2,
    "0 io.max=8:0 riops=5;0 io.max=8:16 wiops=6" },
  { "{'unified':{'memory.high':'5'}}", V1,
    "/unified/memory.high: only cgroup v2 has such a limit" },
  { "{'unified':{'nosuch.x':'5'}}", V2, "/unified/nosuch.x: there is no nosuch controller" },
  { "{'unified':{'nosuch.x':'5'}}", V1, "/unified/nosuch.x: only cgroup v2 has such a limit" },
  { "{'unified':{'nosuch.x':'5'}}", BOTH, "/unified/nosuch.x: there is no nosuch controller" },
  { "{'network':{'classID':5}}", "pids", "/network/classID: there is no net_cls controller" },
};

static char *
describe (const GPtrArray *settings)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < settings->len; i++)
    {
      const CgroupSetting *setting = g_ptr_array_index (settings, i);

      g_string_append_printf (text, "%s%s%u %s=%s", i > 0 ? ";" : "", setting->asked ? "" : "!",
                              setting->hierarchy, setting->file, setting->value);
      if (setting->other_file != NULL)
        g_string_append_printf (text, " or %s=%s", setting->other_file, setting->other_value);
    }
  return g_string_free (text, FALSE);
}

static OciResources *
resources (const char *quoted)
{
  g_autofree char *text = g_strdelimit (g_strdup (quoted), "'", '"');
  g_autoptr (GError) error = NULL;
  OciResources *parsed = oci_resources_parse (text, strlen (text), "test", NULL, &error);

  g_assert_no_error (error);
  return parsed;
}

static char *
describe_properties (const GPtrArray *properties)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < properties->len; i++)
    {
      const ScopeProperty *property = g_ptr_array_index (properties, i);

      g_string_append_printf (text, "%s%s=%s", i > 0 ? ";" : "", property->name, property->value);
    }
  return g_string_free (text, FALSE);
}

static void
test_limits (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (limit_cases); i++)
    {
      const LimitCase *c = &limit_cases[i];
      g_autoptr (OciResources) wanted = resources (c->resources);
      g_autoptr (GPtrArray) all = hierarchies (c->hierarchies);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) settings = cgroup_settings_new (wanted, "", all, NULL, &error);
      g_autofree char *text = settings != NULL ? describe (settings) : g_strdup (error->message);

      g_assert_cmpstr (text, ==, c->settings);
    }
}

static void
test_limits_present (void)
{
  CgroupPresent present = { .memory_limit = 100, .memory_usage = 50, .cpu_quota = (char *) "777",
                            .cpu_period = (char *) "50000" };
  static const LimitCase cases[] = {
    { "{'memory':{'swap':130}}", V2, "0 memory.swap.max=30" },
    { "{'memory':{'swap':90}}", V2, "/memory/swap: 90 is less than the limit of memory, 100" },
    { "{'memory':{'limit':40}}", V2, "0 memory.max=40" },
    { "{'memory':{'limit':50,'checkBeforeUpdate':true}}", V1, "0 memory.limit_in_bytes=50" },
    { "{'memory':{'limit':40,'checkBeforeUpdate':true}}", V1,
      "/memory/limit: rejecting memory limit 40 < usage 50" },
    { "{'memory':{'limit':40,'swap':45,'checkBeforeUpdate':true}}", V2,
      "/memory/swap: rejecting memory+swap limit 45 < usage 50" },
    { "{'memory':{'limit':60,'swap':-1,'checkBeforeUpdate':true}}", V2,
      "0 memory.max=60;!0 memory.swap.max=max" },
    { "{'cpu':{'period':20000}}", V2, "0 cpu.max=777 20000" },
    { "{'cpu':{'quota':20000}}", V2, "0 cpu.max=20000 50000" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (OciResources) wanted = resources (cases[i].resources);
      g_autoptr (GPtrArray) all = hierarchies (cases[i].hierarchies);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) settings = cgroup_settings_new (wanted, "", all, &present, &error);
      g_autofree char *text = settings != NULL ? describe (settings) : g_strdup (error->message);

      g_assert_cmpstr (text, ==, cases[i].settings);
    }
}

/* In a cgroup that is idle. */
static void
test_limits_idle (void)
{
  const CgroupPresent present = { .memory_limit = -1, .cpu_idle = TRUE };
  static const LimitCase cases[] = {
    { "{'pids':{'limit':5}}", V2, "0 pids.max=5" },
    { "{'cpu':{'idle':1}}", V2, "0 cpu.idle=1" },
    { "{'cpu':{'idle':1,'shares':2}}", V2, "0 cpu.idle=1" },
    { "{'cpu':{'shares':2}}", V2, "!0 cpu.idle=0;0 cpu.weight=1" },
    { "{'cpu':{'shares':2}}", V1, "!1 cpu.idle=0;1 cpu.shares=2" },
    { "{'unified':{'cpu.weight':'8'}}", V2, "!0 cpu.idle=0;0 cpu.weight=8" },
    { "{'cpu':{'idle':0}}", V2, "!0 cpu.idle=0;!0 cpu.weight=100" },
    { "{'cpu':{'idle':0}}", V1, "!1 cpu.idle=0;!1 cpu.shares=1024" },
    { "{'cpu':{'idle':0,'shares':2}}", V2, "!0 cpu.idle=0;0 cpu.weight=1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (OciResources) wanted = resources (cases[i].resources);
      g_autoptr (GPtrArray) all = hierarchies (cases[i].hierarchies);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) settings = cgroup_settings_new (wanted, "", all, &present, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = describe (settings);
      g_assert_cmpstr (text, ==, cases[i].settings);
    }
}

/* Settings as properties of a scope: "NAME=VALUE;...", and behind "|" those that come late. */
static void
test_properties (void)
{
  CgroupPresent present = { .memory_limit = 100, .cpu_quota = (char *) "777",
                            .cpu_period = (char *) "50000" };
  static const LimitCase cases[] = {
    { "{}", V2, "|" },
    { "{'memory':{'limit':100,'swap':-1,'reservation':5}}", V2,
      "MemoryMax=uint64 100;MemorySwapMax=uint64 18446744073709551615;MemoryLow=uint64 5|" },
    { "{'memory':{'limit':100,'swap':300,'reservation':5}}", V1, "MemoryMax=uint64 100|" },
    { "{'cpu':{'shares':1024}}", V2, "CPUWeight=uint64 100|" },
    { "{'cpu':{'shares':1024}}", V1, "CPUShares=uint64 1024|" },
    { "{'cpu':{'idle':1}}", V2, "CPUWeight=uint64 0|" },
    { "{'cpu':{'idle':1,'shares':1024}}", V2, "CPUWeight=uint64 0|" },
    { "{'cpu':{'idle':1}}", V1, "|" },
    { "{'cpu':{'quota':20000,'period':50000}}", V2,
      "CPUQuotaPerSecUSec=uint64 400000;CPUQuotaPeriodUSec=uint64 50000|" },
    { "{'cpu':{'quota':20000,'period':50000}}", V1,
      "CPUQuotaPerSecUSec=uint64 400000;CPUQuotaPeriodUSec=uint64 50000|" },
    { "{'cpu':{'quota':12345}}", V1, "CPUQuotaPerSecUSec=uint64 130000|" },
    { "{'cpu':{'quota':12345}}", V2,
      "CPUQuotaPerSecUSec=uint64 250000;CPUQuotaPeriodUSec=uint64 50000|" },
    { "{'cpu':{'quota':-1}}", V2,
      "CPUQuotaPerSecUSec=uint64 18446744073709551615;CPUQuotaPeriodUSec=uint64 50000|" },
    { "{'cpu':{'cpus':'0-2,9','mems':'0'}}", V2,
      "AllowedCPUs=[byte 0x07, 0x02];AllowedMemoryNodes=[byte 0x01]|" },
    { "{'cpu':{'cpus':'0-2'}}", V1, "|" },
    { "{'cpu':{'cpus':'2-'}}", V2, "|" },
    { "{'cpu':{'cpus':'3-2'}}", V2, "|" },
    { "{'cpu':{'cpus':'99999'}}", V2, "|" },
    { "{'blockIO':{'weight':100}}", V2, "IOWeight=uint64 910|" },
    { "{'blockIO':{'weight':100}}", V1, "BlockIOWeight=uint64 100|" },
    { "{'blockIO':{'weightDevice':[{'major':8,'minor':0,'weight':5}]}}", V2, "|" },
    { "{'pids':{'limit':-1}}", V2, "TasksMax=uint64 18446744073709551615|" },
    { "{'pids':{'limit':32}}", V2, "TasksMax=uint64 32|" },
    { "{'pids':{'limit':31}}", V2, "|TasksMax=uint64 31" },
    { "{'unified':{'memory.high':'max','memory.min':'5M','misc.max':'5'}}",
      "v2:memory,misc", "MemoryHigh=uint64 18446744073709551615|" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (OciResources) wanted = resources (cases[i].resources);
      g_autoptr (GPtrArray) all = hierarchies (cases[i].hierarchies);
      g_autoptr (GPtrArray) settings = cgroup_settings_new (wanted, "", all, &present, NULL);
      g_autoptr (GPtrArray) early = scope_properties_new (settings, all, FALSE);
      g_autoptr (GPtrArray) late = scope_properties_new (settings, all, TRUE);
      g_autofree char *a = describe_properties (early), *b = describe_properties (late);
      g_autofree char *text = g_strconcat (a, "|", b, NULL);

      g_assert_cmpstr (text, ==, cases[i].settings);
    }
}

static void
test_lists (void)
{
  static const struct {
    const char *inner, *outer;
    gboolean within;
  } cases[] = {
    { "0", "0", TRUE }, { "0-1", "0-3,7", TRUE }, { "7,3", "0-3,7", TRUE }, { "4", "0-3,7", FALSE },
    { "0-8", "0-7", FALSE }, { "0-7", "0-8", TRUE }, { "1", "2", FALSE }, { "", "0", FALSE },
    { "0", "", FALSE }, { "a", "a", FALSE }, { "0-", "0", FALSE }, { "1-0", "0-1", FALSE },
    { "4294967296", "0", FALSE }, { "+0", "0", FALSE }, { " 0", "0", FALSE },
    { "-1", "0-1", FALSE }, { "0--1", "0", FALSE }, { "0-1-2", "0-2", FALSE },
    { "8192", "8192", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (cgroup_list_is_within (cases[i].inner, cases[i].outer), ==, cases[i].within);
}

static void
test_weights (void)
{
  g_assert_cmpuint (cgroup_cpu_weight (0), ==, 1);
  g_assert_cmpuint (cgroup_cpu_weight (2), ==, 1);
  g_assert_cmpuint (cgroup_cpu_weight (100), ==, 17);
  g_assert_cmpuint (cgroup_cpu_weight (1024), ==, 100);
  g_assert_cmpuint (cgroup_cpu_weight (1025), ==, 101);
  g_assert_cmpuint (cgroup_cpu_weight (2048), ==, 174);
  g_assert_cmpuint (cgroup_cpu_weight (262144), ==, 10000);
  g_assert_cmpuint (cgroup_cpu_weight (G_MAXUINT64), ==, 10000);
  g_assert_cmpuint (cgroup_io_weight (10), ==, 1);
  g_assert_cmpuint (cgroup_io_weight (100), ==, 910);
  g_assert_cmpuint (cgroup_io_weight (1000), ==, 10000);
}

/* --- rules on devices --- */

/* Runs @program on @context as the kernel does, as far as our programs go. */
static guint64
interpret (const GArray *program, const struct bpf_cgroup_dev_ctx *context)
{
  guint64 registers[11] = { 0 };

  for (guint i = 0; i < program->len; i++)
    {
      const struct bpf_insn *in = &g_array_index (program, struct bpf_insn, i);
      guint64 *to = &registers[in->dst_reg];

      switch (in->code)
        {
        case BPF_LDX | BPF_MEM | BPF_W:
          g_assert_cmpuint (in->src_reg, ==, 1);
          *to = *(const guint32 *) (const void *) ((const char *) context + in->off);
          break;
        case BPF_ALU | BPF_MOV | BPF_X:
          *to = (guint32) registers[in->src_reg];
          break;
        case BPF_ALU | BPF_MOV | BPF_K:
          *to = (guint32) in->imm;
          break;
        case BPF_ALU | BPF_AND | BPF_K:
          *to = (guint32) *to & (guint32) in->imm;
          break;
        case BPF_ALU | BPF_RSH | BPF_K:
          *to = (guint32) *to >> in->imm;
          break;
        case BPF_JMP | BPF_JNE | BPF_K:
          i += *to != (guint64) in->imm ? (guint) in->off : 0;
          break;
        case BPF_JMP | BPF_JEQ | BPF_K:
          i += *to == (guint64) in->imm ? (guint) in->off : 0;
          break;
        case BPF_JMP | BPF_EXIT:
          return registers[0];
        default:
          g_error ("unexpected instruction %02x", in->code);
        }
    }
  g_error ("the program has no end");
}

/* The same by the words of the specification: of each access the last rule has the say. */
static gboolean
is_allowed (const GArray *rules, const struct bpf_cgroup_dev_ctx *context)
{
  guint32 type = context->access_type & 0xffff, wanted = context->access_type >> 16;

  for (guint32 access = 1; access <= BPF_DEVCG_ACC_WRITE; access <<= 1)
    {
      gboolean allowed = FALSE;

      if (!(wanted & access))
        continue;
      for (guint i = 0; i < rules->len; i++)
        {
          const DeviceRule *rule = &g_array_index (rules, DeviceRule, i);

          if ((rule->type == 'a' || (rule->type == 'b') == (type == BPF_DEVCG_DEV_BLOCK))
              && (rule->major < 0 || rule->major == context->major)
              && (rule->minor < 0 || rule->minor == context->minor) && (rule->access & access))
            allowed = rule->allow;
        }
      if (!allowed)
        return FALSE;
    }
  return TRUE;
}

static void
test_program (void)
{
  for (int round = 0; round < 300; round++)
    {
      g_autoptr (GArray) rules = g_array_new (FALSE, FALSE, sizeof (DeviceRule));
      g_autoptr (GArray) program = NULL;

      for (int n = g_test_rand_int_range (0, 12); n > 0; n--)
        {
          DeviceRule rule = { .allow = g_test_rand_int_range (0, 2),
                              .type = "abc"[g_test_rand_int_range (0, 3)],
                              .major = g_test_rand_int_range (-1, 3),
                              .minor = g_test_rand_int_range (-1, 3),
                              .access = (guint32) g_test_rand_int_range (1, 8) };

          g_array_append_val (rules, rule);
        }
      program = device_program_new (rules);
      for (guint32 i = 0; i < 2 * 8 * 3 * 3; i++)
        {
          struct bpf_cgroup_dev_ctx context = { .access_type = (i & 7) << 16 | (i >> 3 & 1 ? 1 : 2),
                                                .major = i / 16 % 3, .minor = i / 48 };

          g_assert_cmpint (interpret (program, &context) != 0, ==, is_allowed (rules, &context));
        }
    }
}

static void
test_usual_devices (void)
{
  g_autoptr (OciResources) wanted
    = resources ("{'devices':[{'allow':false},{'allow':true,'type':'c','major':10,'access':'r'},"
                 "{'allow':true,'major':4,'access':'rw'}]}");
  g_autoptr (GArray) rules = device_rules_new (wanted->devices);
  g_autoptr (GArray) program = device_program_new (rules);
  static const struct {
    guint32 type, access, major, minor;
    gboolean allowed;
  } cases[] = {
    { BPF_DEVCG_DEV_CHAR, 6, 1, 3, TRUE },      /* null */
    { BPF_DEVCG_DEV_CHAR, 6, 136, 7, TRUE },    /* a pty */
    { BPF_DEVCG_DEV_CHAR, 2, 1, 1, FALSE },     /* mem */
    { BPF_DEVCG_DEV_CHAR, 1, 1, 1, TRUE },      /* to make a node is allowed */
    { BPF_DEVCG_DEV_BLOCK, 1, 8, 0, TRUE },
    { BPF_DEVCG_DEV_BLOCK, 2, 8, 0, FALSE },
    { BPF_DEVCG_DEV_BLOCK, 3, 8, 0, FALSE },
    { BPF_DEVCG_DEV_CHAR, 2, 10, 229, TRUE },
    { BPF_DEVCG_DEV_CHAR, 6, 10, 229, FALSE },
    { BPF_DEVCG_DEV_BLOCK, 6, 4, 1, TRUE },
    { BPF_DEVCG_DEV_CHAR, 6, 4, 1, TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      struct bpf_cgroup_dev_ctx context = { cases[i].access << 16 | cases[i].type, cases[i].major,
                                            cases[i].minor };

      g_assert_cmpint (interpret (program, &context) != 0, ==, cases[i].allowed);
    }
}

static void
test_lines (void)
{
  static const struct {
    DeviceRule rule;
    const char *lines;
  } cases[] = {
    { { FALSE, 'a', -1, -1, 7, 0 }, "a" },
    { { TRUE, 'c', 1, 3, 6, 0 }, "c 1:3 rw" },
    { { TRUE, 'a', 4, -1, 7, 0 }, "b 4:* rwm;c 4:* rwm" },
    { { FALSE, 'a', -1, -1, 1, 0 }, "b *:* m;c *:* m" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto (GStrv) lines = device_rule_lines (&cases[i].rule);
      g_autofree char *text = g_strjoinv (";", lines);

      g_assert_cmpstr (text, ==, cases[i].lines);
    }
}

/* --- the record --- */

static void
test_record (void)
{
  g_autoptr (CgroupRecord) record = cgroup_record_new (NULL);
  g_autoptr (CgroupRecord) read = NULL;
  g_autoptr (GString) line = NULL;
  const CgroupEntry *entry;

  cgroup_record_add (record, NULL, "/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a")->inode
    = (OptUint64) { TRUE, 7 };
  cgroup_record_add (record, "memory", "/m", "/m")->inode = (OptUint64) { TRUE, 8 };
  cgroup_record_disown (record, 1);
  cgroup_record_add (record, "name=systemd", "/c", "/c");
  line = cgroup_record_format (record);
  read = cgroup_record_parse (line->str, line->len, NULL);
  g_assert_nonnull (read);
  g_assert_cmpuint (read->entries->len, ==, 2);
  entry = g_ptr_array_index (read->entries, 0);
  g_assert_null (entry->options);
  g_assert_cmpuint (entry->inode.value, ==, 7);
  entry = g_ptr_array_index (read->entries, 1);
  g_assert_cmpstr (entry->options, ==, "name=systemd");
  g_assert_false (entry->inode.set);
  g_assert_cmpuint (read->joined->len, ==, 1);
  entry = g_ptr_array_index (read->joined, 0);
  g_assert_cmpstr (entry->path, ==, "/m");
  g_assert_cmpuint (entry->inode.value, ==, 8);
}

static void
test_record_scope (void)
{
  const SystemdScope scope = { (char *) "/run/user/5/bus", (char *) "a-b.scope", (char *) "0f" };
  g_autoptr (CgroupRecord) record = cgroup_record_new (NULL);
  g_autoptr (CgroupRecord) read = NULL;
  g_autoptr (GString) line = NULL;

  g_assert_false (cgroup_record_is_below_scope (record));
  record->scope = systemd_scope_copy (&scope);
  g_assert_false (cgroup_record_is_below_scope (record));
  cgroup_record_add (record, NULL, "/x/a-b.scope", "/x/a-b.scope");
  g_assert_false (cgroup_record_is_below_scope (record));
  g_free (((CgroupEntry *) g_ptr_array_index (record->entries, 0))->path);
  ((CgroupEntry *) g_ptr_array_index (record->entries, 0))->path = g_strdup ("/x/a-b.scope/c");
  g_assert_true (cgroup_record_is_below_scope (record));
  line = cgroup_record_format (record);
  read = cgroup_record_parse (line->str, line->len, NULL);
  g_assert_nonnull (read);
  g_assert_cmpstr (read->scope->bus, ==, scope.bus);
  g_assert_cmpstr (read->scope->unit, ==, scope.unit);
  g_assert_cmpstr (read->scope->invocation, ==, scope.invocation);
}

static void
test_record_broken (void)
{
  static const char *const entries[] = {
    "{\"path\":\"/a/../b\",\"top\":\"/a\"}", "{\"path\":\"/a/b\",\"top\":\"/\"}",
    "{\"path\":\"/a/b\",\"top\":\"/a/b/c\"}", "{\"path\":\"/ab\",\"top\":\"/a\"}",
    "{\"path\":\"a\",\"top\":\"a\"}", "{\"path\":\"/a\"}",
  };
  static const char *const scopes[] = {
    "", "\"bus\":\"/b\",\"unit\":\"u\"", "\"bus\":\"/b\",\"unit\":\"\",\"invocation\":\"1\"",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (entries); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"version\":1,\"bootId\":\"%s\",\"cgroups\":[%s]}",
                                               proc_boot_id (NULL), entries[i]);
      g_autofree char *joined = g_strdup_printf ("{\"version\":1,\"bootId\":\"%s\",\"cgroups\":[],"
                                                 "\"joined\":[%s]}",
                                                 proc_boot_id (NULL), entries[i]);

      g_assert_null (cgroup_record_parse (text, strlen (text), NULL));
      g_assert_null (cgroup_record_parse (joined, strlen (joined), NULL));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (scopes); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"version\":1,\"bootId\":\"%s\",\"cgroups\":[],"
                                               "\"scope\":{%s}}", proc_boot_id (NULL), scopes[i]);

      g_assert_null (cgroup_record_parse (text, strlen (text), NULL));
    }
}

static void
test_record_old (void)
{
  static const char text[] = "{\"version\":1,\"bootId\":\"c62af5a5-dac8-43c5-902b-000000000000\","
                             "\"cgroups\":[{\"path\":\"/a\",\"top\":\"/a\",\"inode\":1}],"
                             "\"joined\":[{\"path\":\"/b\",\"top\":\"/b\",\"inode\":1}],"
                             "\"scope\":{\"bus\":\"/b\",\"unit\":\"u\",\"invocation\":\"1\"}}";
  g_autoptr (CgroupRecord) record = cgroup_record_parse (text, strlen (text), NULL);

  g_assert_nonnull (record);
  g_assert_cmpuint (record->entries->len, ==, 0);
  g_assert_cmpuint (record->joined->len, ==, 0);
  g_assert_null (record->scope);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cgroup/paths", test_paths);
  g_test_add_func ("/cgroup/mounts", test_mounts);
  g_test_add_func ("/cgroup/own", test_own);
  g_test_add_func ("/cgroup/limits", test_limits);
  g_test_add_func ("/cgroup/limits/present", test_limits_present);
  g_test_add_func ("/cgroup/limits/idle", test_limits_idle);
  g_test_add_func ("/cgroup/properties", test_properties);
  g_test_add_func ("/cgroup/lists", test_lists);
  g_test_add_func ("/cgroup/weights", test_weights);
  g_test_add_func ("/cgroup/devices/program", test_program);
  g_test_add_func ("/cgroup/devices/usual", test_usual_devices);
  g_test_add_func ("/cgroup/devices/lines", test_lines);
  g_test_add_func ("/cgroup/record", test_record);
  g_test_add_func ("/cgroup/record/scope", test_record_scope);
  g_test_add_func ("/cgroup/record/broken", test_record_broken);
  g_test_add_func ("/cgroup/record/old", test_record_old);
  return g_test_run ();
}
