/* The rules of the configuration that need nothing but the file. */
#include "config.h"

#include "spec/idmap.h"
#include "spec/spec.h"
#include "spec/sysctl.h"

#include <linux/audit.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* Single quotes stand for double ones. SPEC (PROCESS ("") LINUX ("")) is valid. */
#define SPEC(rest) "{'ociVersion':'1.0.2','root':{'path':'rootfs'}" rest "}"
#define PROCESS(rest) ",'process':{'cwd':'/','args':['a']" rest "}"
#define NAMESPACES \
  "{'type':'user'},{'type':'uts'},{'type':'ipc'},{'type':'network'},{'type':'mount'}"
#define LINUX(rest) ",'linux':{'namespaces':[" NAMESPACES "]" rest "}"
#define MOUNT(rest) SPEC (",'mounts':[{'destination':'/a'},{" rest "}]")
#define SECCOMP(rest) SPEC (LINUX (",'seccomp':{" rest "}"))
#define RULE(rest) \
  SECCOMP ("'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['kill']," rest "}]")
#define MAPS(uids, gids) SPEC (LINUX (",'uidMappings':[" uids "],'gidMappings':[" gids "]"))
#define MAPPED(user)                                                   \
  SPEC (PROCESS (",'user':{" user "}")                                 \
        LINUX (",'uidMappings':[" MAP ("0", "7", "10") "]"             \
               ",'gidMappings':[" MAP ("5", "7", "10") "]"))
#define MAP(inside, outside, size) \
  "{'containerID':" inside ",'hostID':" outside ",'size':" size "}"

static char *
quoted (const char *text)
{
  return g_strdelimit (g_strdup (text), "'", '"');
}

static OciSpec *
parse (const char *text, GError **error)
{
  g_autofree char *json = quoted (text);

  return oci_spec_parse (json, strlen (json), "config.json", error);
}

static OciSpec *
parse_valid (const char *text)
{
  g_autoptr (GError) error = NULL;
  OciSpec *spec = parse (text, &error);

  g_assert_no_error (error);
  return spec;
}

typedef struct {
  const char *name;
  const char *text;
  const char *message;  /* behind "config.json: "; NULL: valid */
} Case;

static const Case cases[] = {
  { "valid", SPEC (PROCESS ("") LINUX ("")), NULL },
  { "least", SPEC (""), NULL },
  { "not-json", "{", "parse error at line 1, column 2: expected a key in quotes" },
  { "null-parts", SPEC (",'process':null,'linux':null,'hooks':null,'mounts':null"), NULL },

  { "version-1.3", "{'ociVersion':'1.3.0','root':{'path':'r'}}", NULL },
  { "version-future", "{'ociVersion':'1.99.0-rc.1+dev','root':{'path':'r'}}", NULL },
  { "version-atomic", "{'ociVersion':'0.3.0','root':{'path':'r'}}", NULL },
  { "version-dev", "{'ociVersion':'1.0.2-dev','root':{'path':'r'}}", NULL },
  { "version-2", "{'ociVersion':'2.0.0','root':{'path':'r'}}",
    "/ociVersion: unsupported version \"2.0.0\"" },
  { "version-0.2", "{'ociVersion':'0.2.9','root':{'path':'r'}}",
    "/ociVersion: unsupported version \"0.2.9\"" },
  { "version-short", "{'ociVersion':'1.0','root':{'path':'r'}}",
    "/ociVersion: expected a version as 1.0.2, got \"1.0\"" },
  { "version-zero", "{'ociVersion':'1.00.2','root':{'path':'r'}}",
    "/ociVersion: expected a version as 1.0.2, got \"1.00.2\"" },
  { "version-suffix", "{'ociVersion':'1.0.2-','root':{'path':'r'}}",
    "/ociVersion: expected a version as 1.0.2, got \"1.0.2-\"" },
  { "version-missing", "{'root':{'path':'r'}}", "/ociVersion: is missing" },

  { "root-missing", "{'ociVersion':'1.0.2'}", "/root: is missing" },
  { "root-null", "{'ociVersion':'1.0.2','root':null}", "/root: expected an object, got null" },
  { "root-empty", "{'ociVersion':'1.0.2','root':{'path':''}}", "/root/path: must not be empty" },
  { "root-slash", "{'ociVersion':'1.0.2','root':{'path':'/x/..//'}}",
    "/root/path: the root of the host cannot be the root file system" },
  { "root-dot", "{'ociVersion':'1.0.2','root':{'path':'.'}}", NULL },

  { "cwd-missing", SPEC (",'process':{'args':['a']}"), "/process/cwd: is missing" },
  { "cwd-relative", SPEC (",'process':{'cwd':'a','args':['a']}"),
    "/process/cwd: must be an absolute path, got \"a\"" },
  { "args-missing", SPEC (",'process':{'cwd':'/'}"),
    "/process/args: must have at least one element" },
  { "args-empty", SPEC (",'process':{'cwd':'/','args':[]}"),
    "/process/args: must have at least one element" },
  { "args-null", SPEC (",'process':{'cwd':'/','args':null}"),
    "/process/args: must have at least one element" },
  { "env", SPEC (PROCESS (",'env':['A=','--b=c','A=b=c']")), NULL },
  { "env-no-name", SPEC (PROCESS (",'env':['A=b','=c']")),
    "/process/env/1: expected NAME=value, got \"=c\"" },
  { "env-no-value", SPEC (PROCESS (",'env':['A']")),
    "/process/env/0: expected NAME=value, got \"A\"" },
  { "uid-none", SPEC (PROCESS (",'user':{'uid':4294967295}")),
    "/process/user/uid: 4294967295 is out of range (0 to 4294967294)" },
  { "gid-negative", SPEC (PROCESS (",'user':{'gid':-1}")),
    "/process/user/gid: -1 is out of range (0 to 4294967294)" },
  { "gids-none", SPEC (PROCESS (",'user':{'additionalGids':[0,4294967295]}")),
    "/process/user/additionalGids/1: 4294967295 is out of range (0 to 4294967294)" },
  { "umask", SPEC (PROCESS (",'user':{'umask':512}")),
    "/process/user/umask: 512 is out of range (0 to 511)" },
  { "oom", SPEC (PROCESS (",'oomScoreAdj':-1001")),
    "/process/oomScoreAdj: -1001 is out of range (-1000 to 1000)" },
  { "capabilities-unknown", SPEC (PROCESS (",'capabilities':{'bounding':['CAP_BANANA']}")), NULL },
  { "capabilities-array", SPEC (PROCESS (",'capabilities':['CAP_CHOWN']")), NULL },
  { "rlimit-unknown", SPEC (PROCESS (",'rlimits':[{'type':'RLIMIT_FOO','soft':1,'hard':1}]")),
    "/process/rlimits/0/type: unknown value \"RLIMIT_FOO\"" },
  { "rlimit-twice", SPEC (PROCESS (",'rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},"
                                   "{'type':'RLIMIT_CPU','soft':1,'hard':1}]")),
    "/process/rlimits/1: duplicate rlimit \"RLIMIT_CPU\"" },
  { "rlimit-soft", SPEC (PROCESS (",'rlimits':[{'type':'RLIMIT_CPU','soft':2,'hard':1}]")),
    "/process/rlimits/0: the soft limit of RLIMIT_CPU is above the hard limit" },
  { "rlimit-no-hard", SPEC (PROCESS (",'rlimits':[{'type':'RLIMIT_CPU','soft':2}]")),
    "/process/rlimits/0/hard: is missing" },
  { "console", SPEC (PROCESS (",'terminal':true,'consoleSize':{'height':65536,'width':1}")),
    "/process/consoleSize: out of range (0 to 65535)" },
  { "console-unused", SPEC (PROCESS (",'consoleSize':{'height':65536,'width':1}")), NULL },
  { "console-half", SPEC (PROCESS (",'consoleSize':{'height':1}")),
    "/process/consoleSize/width: is missing" },
  { "scheduler", SPEC (PROCESS (",'scheduler':{'policy':'SCHED_BANANA'}")),
    "/process/scheduler/policy: unknown value \"SCHED_BANANA\"" },
  { "scheduler-no-policy", SPEC (PROCESS (",'scheduler':{'nice':1}")),
    "/process/scheduler/policy: is missing" },
  { "io-priority", SPEC (PROCESS (",'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}")),
    "/process/ioPriority/priority: 8 is out of range (0 to 7)" },
  { "affinity", SPEC (PROCESS (",'execCPUAffinity':{'initial':'0-3, 7','final':'x'}")),
    "/process/execCPUAffinity/final: expected a list of CPUs, got \"x\"" },

  { "hostname-64", SPEC (",'hostname':'0123456789012345678901234567890123456789012345678901234567"
                         "890123'" LINUX ("")), NULL },
  { "hostname-65", SPEC (",'hostname':'01234567890123456789012345678901234567890123456789012345678"
                         "901234'" LINUX ("")), "/hostname: too long: 65 bytes, at most 64" },
  { "hostname-no-uts", SPEC (",'hostname':'h'"),
    "/hostname: unable to set hostname without a private UTS namespace" },
  { "domainname-no-uts", SPEC (",'domainname':'d'"),
    "/domainname: unable to set domainname without a private UTS namespace" },
  { "hostname-empty", SPEC (",'hostname':''"), NULL },
  { "annotation-key", SPEC (",'annotations':{'':'x'}"),
    "/annotations: must not have an empty key" },
  { "annotation-number", SPEC (",'annotations':{'a':1}"),
    "/annotations/a: expected a string, got a number" },

  { "mount-no-destination", MOUNT ("'type':'tmpfs'"), "/mounts/1/destination: is missing" },
  { "mount-empty", MOUNT ("'destination':''"), "/mounts/1/destination: must not be empty" },
  { "mount-root", MOUNT ("'destination':'/'"),
    "/mounts/1/destination: must not be the root directory, got \"/\"" },
  { "mount-root-dots", MOUNT ("'destination':'//a/../..'"),
    "/mounts/1/destination: must not be the root directory, got \"//a/../..\"" },
  { "mount-root-dot", MOUNT ("'destination':'.'"),
    "/mounts/1/destination: must not be the root directory, got \".\"" },
  { "mount-relative", MOUNT ("'destination':'a/b'"), NULL },
  { "mount-proc", MOUNT ("'destination':'/proc','type':'proc'"), NULL },
  { "mount-proc-bind", MOUNT ("'destination':'/proc','source':'/proc','options':['rbind']"), NULL },
  { "mount-proc-tmpfs", MOUNT ("'destination':'//proc/','type':'tmpfs'"),
    "/mounts/1/destination: \"//proc/\" cannot be mounted because it is inside /proc" },
  { "mount-proc-attr", MOUNT ("'destination':'/x/../proc/self/attr','type':'bind'"),
    "/mounts/1/destination: \"/x/../proc/self/attr\" cannot be mounted because it is inside"
    " /proc" },
  { "mount-proc-uptime", MOUNT ("'destination':'/proc/uptime','type':'bind'"), NULL },
  { "mount-procedure", MOUNT ("'destination':'/procedure','type':'tmpfs'"), NULL },
  { "mount-half-mapped", MOUNT ("'destination':'/a','uidMappings':[" MAP ("0", "0", "1") "]"),
    "/mounts/1: uidMappings and gidMappings must be given together" },

  { "maps", MAPS (MAP ("0", "1000", "1") "," MAP ("1", "100000", "65536"),
                  MAP ("0", "0", "4294967295")), NULL },
  { "maps-no-userns", SPEC (",'linux':{'uidMappings':[" MAP ("0", "0", "1") "],'gidMappings':["
                            MAP ("0", "0", "1") "]}"),
    "/linux/uidMappings: mappings need a user namespace" },
  { "maps-one", MAPS (MAP ("0", "0", "1"), ""),
    "/linux: uidMappings and gidMappings must be given together" },
  { "maps-size", MAPS (MAP ("0", "0", "0"), MAP ("0", "0", "1")),
    "/linux/uidMappings/0/size: 0 is out of range (1 to 4294967295)" },
  { "maps-no-size", MAPS ("{'containerID':0,'hostID':0}", MAP ("0", "0", "1")),
    "/linux/uidMappings/0/size: is missing" },
  { "maps-wrap", MAPS (MAP ("0", "0", "1"), MAP ("4294967290", "0", "6")),
    "/linux/gidMappings/0: the mapping is out of range: it goes beyond id 4294967294" },
  { "maps-wrap-host", MAPS (MAP ("0", "1", "4294967295"), MAP ("0", "0", "1")),
    "/linux/uidMappings/0: the mapping is out of range: it goes beyond id 4294967294" },
  { "maps-overlap", MAPS (MAP ("0", "0", "10") "," MAP ("9", "100", "1"), MAP ("0", "0", "1")),
    "/linux/uidMappings/1/containerID: mapping overlaps with that of /linux/uidMappings/0" },
  { "maps-overlap-host", MAPS (MAP ("0", "0", "1"), MAP ("5", "7", "1") "," MAP ("0", "3", "5")),
    "/linux/gidMappings/1/hostID: mapping overlaps with that of /linux/gidMappings/0" },
  { "maps-touch", MAPS (MAP ("0", "0", "5") "," MAP ("5", "5", "5"), MAP ("0", "0", "1")), NULL },

  { "mapped", MAPPED ("'uid':9,'gid':14,'additionalGids':[5,6]"), NULL },
  { "mapped-uid", MAPPED ("'uid':10,'gid':5"),
    "/process/user/uid: 10 is not mapped into the user namespace" },
  { "mapped-gid-default", MAPPED ("'uid':9"),
    "/process/user/gid: 0 is not mapped into the user namespace" },
  { "mapped-gids", MAPPED ("'gid':5,'additionalGids':[5,15]"),
    "/process/user/additionalGids/1: 15 is not mapped into the user namespace" },

  { "namespace-twice", SPEC (",'linux':{'namespaces':[{'type':'pid'},{'type':'pid'}]}"),
    "/linux/namespaces/1: duplicate namespace \"pid\"" },
  { "namespace-unknown", SPEC (",'linux':{'namespaces':[{'type':'net'}]}"),
    "/linux/namespaces/0/type: unknown value \"net\"" },
  { "namespace-path", SPEC (",'linux':{'namespaces':[{'type':'pid','path':'x'}]}"),
    "/linux/namespaces/0/path: must be an absolute path, got \"x\"" },
  { "time-offsets", SPEC (LINUX (",'timeOffsets':{'boottime':{'secs':1}}")),
    "/linux/timeOffsets: offsets need a time namespace" },
  { "propagation", SPEC (LINUX (",'rootfsPropagation':'rslave'")), NULL },
  { "propagation-unknown", SPEC (LINUX (",'rootfsPropagation':'banana'")),
    "/linux/rootfsPropagation: unknown value \"banana\"" },
  { "personality", SPEC (LINUX (",'personality':{'domain':'BANANA'}")),
    "/linux/personality/domain: unknown value \"BANANA\"" },
  { "personality-missing", SPEC (LINUX (",'personality':{'flags':[]}")),
    "/linux/personality/domain: is missing" },
  { "network device", SPEC (LINUX (",'netDevices':{'a b':{}}")),
    "/linux/netDevices: invalid network device name \"a b\"" },
  { "name of a network device", SPEC (LINUX (",'netDevices':{'a':{'name':'sixteen.letters!'}}")),
    "/linux/netDevices/a/name: invalid network device name \"sixteen.letters!\"" },
  { "template of a network device", SPEC (LINUX (",'netDevices':{'a':{'name':'b%d%d'}}")),
    "/linux/netDevices/a/name: invalid network device name \"b%d%d\"" },
  { "other template", SPEC (LINUX (",'netDevices':{'a':{'name':'b%s'}}")),
    "/linux/netDevices/a/name: invalid network device name \"b%s\"" },
  { "same network device", SPEC (LINUX (",'netDevices':{'a':{'name':'b%d'},'c':{'name':'b%d'},"
                                        "'b':{},'d':{'name':'b'}}")),
    "/linux/netDevices/d: b is to have the name \"b\" as well" },
  { "masked", SPEC (LINUX (",'maskedPaths':['/a','b']")),
    "/linux/maskedPaths/1: must be an absolute path, got \"b\"" },
  { "readonly", SPEC (LINUX (",'readonlyPaths':['']")),
    "/linux/readonlyPaths/0: must be an absolute path, got \"\"" },
  { "device", SPEC (LINUX (",'devices':[{'path':'/dev/x','type':'c','major':1,'minor':3,"
                           "'fileMode':8612}]")), NULL },
  { "device-type", SPEC (LINUX (",'devices':[{'path':'/dev/x','type':'x'}]")),
    "/linux/devices/0/type: unknown value \"x\"" },
  { "device-no-number", SPEC (LINUX (",'devices':[{'path':'/dev/x','type':'b','major':1}]")),
    "/linux/devices/0/minor: is missing" },
  { "device-number", SPEC (LINUX (",'devices':[{'path':'/x','type':'u','major':4096,'minor':0}]")),
    "/linux/devices/0/major: 4096 is out of range (0 to 4095)" },
  { "device-fifo", SPEC (LINUX (",'devices':[{'path':'/dev/x','type':'p'}]")), NULL },
  { "device-relative", SPEC (LINUX (",'devices':[{'path':'x','type':'p'}]")),
    "/linux/devices/0/path: must be an absolute path, got \"x\"" },
  { "device-root", SPEC (LINUX (",'devices':[{'path':'/..','type':'p'}]")),
    "/linux/devices/0/path: must not be the root directory" },

  { "rule-access", SPEC (LINUX (",'resources':{'devices':[{'allow':true,'access':'rx'}]}")),
    "/linux/resources/devices/0/access: expected letters of rwm, got \"rx\"" },
  { "rule-type", SPEC (LINUX (",'resources':{'devices':[{'allow':true,'type':'q'}]}")),
    "/linux/resources/devices/0/type: unknown value \"q\"" },
  { "pages", SPEC (LINUX (",'resources':{'hugepageLimits':[{'pageSize':'../MB','limit':0}]}")),
    "/linux/resources/hugepageLimits/0/pageSize: expected a size as 2MB, got \"../MB\"" },
  { "unified", SPEC (LINUX (",'resources':{'unified':{'../x':''}}")),
    "/linux/resources/unified: \"../x\" must be the name of a file" },
  { "weight", SPEC (LINUX (",'resources':{'blockIO':{'weight':65536}}")),
    "/linux/resources/blockIO/weight: 65536 is out of range (0 to 65535)" },

  { "sysctl", SPEC (LINUX (",'sysctl':{'net.ipv4.ip_forward':'1','kernel.shmmax':'1',"
                           "'fs/mqueue/msg_max':'1','kernel.domainname':'d','user.max_a':'1'}")),
    NULL },
  { "sysctl-host", SPEC (LINUX (",'sysctl':{'kernel.panic':'1'}")),
    "/linux/sysctl: \"kernel.panic\" is not in a separate kernel namespace" },
  { "sysctl-slash", SPEC (LINUX (",'sysctl':{'kernel/panic':'1'}")),
    "/linux/sysctl: \"kernel/panic\" is not in a separate kernel namespace" },
  { "sysctl-dots", SPEC (LINUX (",'sysctl':{'net/../kernel/panic':'1'}")),
    "/linux/sysctl: invalid key \"net/../kernel/panic\"" },
  { "sysctl-prefix", SPEC (LINUX (",'sysctl':{'kernel.semaphore':'1'}")),
    "/linux/sysctl: \"kernel.semaphore\" is not in a separate kernel namespace" },
  { "sysctl-no-net", SPEC (",'linux':{'sysctl':{'net.core.somaxconn':'1'}}"),
    "/linux/sysctl: \"net.core.somaxconn\" needs the container's own network namespace" },
  { "sysctl-hostname", SPEC (LINUX (",'sysctl':{'kernel.hostname':'h'}")),
    "/linux/sysctl: \"kernel.hostname\" is not allowed as it conflicts with /hostname" },
  { "sysctl-domainname", SPEC (",'domainname':'d'" LINUX (",'sysctl':{'kernel.domainname':'d'}")),
    "/linux/sysctl: \"kernel.domainname\" is not allowed as it conflicts with /domainname" },

  { "seccomp-none", SECCOMP ("'defaultAction':'','architectures':null"), NULL },
  { "seccomp-missing", SECCOMP (""), "/linux/seccomp/defaultAction: is missing" },
  { "seccomp-action", SECCOMP ("'defaultAction':'SCMP_ACT_BANANA'"),
    "/linux/seccomp/defaultAction: unknown value \"SCMP_ACT_BANANA\"" },
  { "seccomp-empty-with-rules",
    SECCOMP ("'defaultAction':'','syscalls':[{'names':['a'],'action':'SCMP_ACT_ALLOW'}]"),
    "/linux/seccomp/defaultAction: must not be empty if there are rules" },
  { "seccomp-default-notify", SECCOMP ("'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'/x'"),
    "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be the default" },
  { "seccomp-default-errno", SECCOMP ("'defaultAction':'SCMP_ACT_ALLOW','defaultErrnoRet':1"),
    "/linux/seccomp/defaultErrnoRet: an error number needs SCMP_ACT_ERRNO or SCMP_ACT_TRACE" },
  { "seccomp-arch", SECCOMP ("'defaultAction':'SCMP_ACT_LOG','architectures':['SCMP_ARCH_VAX']"),
    "/linux/seccomp/architectures/0: unknown value \"SCMP_ARCH_VAX\"" },
  { "seccomp-flag", SECCOMP ("'defaultAction':'SCMP_ACT_LOG','flags':['BANANA']"),
    "/linux/seccomp/flags/0: unknown value \"BANANA\"" },
  { "seccomp-metadata", SECCOMP ("'defaultAction':'SCMP_ACT_LOG','listenerMetadata':'x'"),
    "/linux/seccomp/listenerMetadata: needs a listenerPath" },
  { "seccomp-notify-sendmsg",
    SECCOMP ("'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/x','syscalls':["
             "{'names':['mkdir'],'action':'SCMP_ACT_NOTIFY'},"
             "{'names':['sendto','sendmsg'],'action':'SCMP_ACT_NOTIFY'}]"),
    "/linux/seccomp/syscalls/1/names: SCMP_ACT_NOTIFY cannot be used for sendmsg,"
    " by which the listener is handed on" },
  { "rule", RULE ("'action':'SCMP_ACT_ERRNO','errnoRet':38"), NULL },
  { "rule-errno", RULE ("'action':'SCMP_ACT_KILL','errnoRet':38"),
    "/linux/seccomp/syscalls/0/errnoRet: an error number needs SCMP_ACT_ERRNO or SCMP_ACT_TRACE" },
  { "rule-notify", RULE ("'action':'SCMP_ACT_NOTIFY'"),
    "/linux/seccomp/syscalls/0/action: SCMP_ACT_NOTIFY needs a listenerPath" },
  { "rule-index", RULE ("'action':'SCMP_ACT_LOG','args':[{'index':6,'value':0,"
                        "'op':'SCMP_CMP_EQ'}]"),
    "/linux/seccomp/syscalls/0/args/0/index: 6 is out of range (0 to 5)" },
  { "rule-op", RULE ("'action':'SCMP_ACT_LOG','args':[{'index':0,'value':0,'op':'SCMP_CMP_XX'}]"),
    "/linux/seccomp/syscalls/0/args/0/op: unknown value \"SCMP_CMP_XX\"" },
  { "rule-no-names", SECCOMP ("'defaultAction':'SCMP_ACT_LOG','syscalls':[{'names':[],"
                              "'action':'SCMP_ACT_LOG'}]"),
    "/linux/seccomp/syscalls/0/names: must have at least one element" },
  { "rule-old-name", SECCOMP ("'defaultAction':'SCMP_ACT_LOG','syscalls':[{'name':'kill',"
                              "'action':'SCMP_ACT_LOG'}]"),
    "/linux/seccomp/syscalls/0/names: is missing" },

  { "hook", SPEC (",'hooks':{'prestart':[{'path':'/a'},{'path':'/b','timeout':0}]}"),
    "/hooks/prestart/1/timeout: 0 is out of range (1 to 9223372036854775807)" },
  { "hook-relative", SPEC (",'hooks':{'poststop':[{'path':'a'}]}"),
    "/hooks/poststop/0/path: must be an absolute path, got \"a\"" },
  { "hook-env", SPEC (",'hooks':{'createRuntime':[{'path':'/a','env':['x']}]}"),
    "/hooks/createRuntime/0/env/0: expected NAME=value, got \"x\"" },
};

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = parse (c->text, &error);
  g_autofree char *message = g_strconcat ("config.json: ", c->message, NULL);

  if (c->message == NULL)
    g_assert_no_error (error);
  else
    {
      g_assert_null (spec);
      g_assert_cmpstr (error->message, ==, message);
    }
}

static void
test_too_many_maps (void)
{
  g_autoptr (GString) maps = g_string_new (NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 341; i++)
    g_string_append_printf (maps, "%s" MAP ("%d", "%d", "1"), i > 0 ? "," : "", i, i);
  text = g_strdup_printf (MAPS ("%s", MAP ("0", "0", "1")), maps->str);
  g_assert_null (parse (text, &error));
  g_assert_cmpstr (error->message, ==, "config.json: /linux/uidMappings: too many mappings: 341,"
                   " the kernel takes 340");
}

static void
test_values (void)
{
  g_autoptr (OciSpec) spec = parse_valid (
    SPEC (",'annotations':{'k':'v'}"
          PROCESS (",'rlimits':[{'type':'RLIMIT_NOFILE','soft':1,'hard':18446744073709551615}]")
          LINUX (",'rootfsPropagation':'rslave','seccomp':{'defaultAction':'SCMP_ACT_KILL',"
                 "'architectures':['SCMP_ARCH_X86_64'],'flags':['SECCOMP_FILTER_FLAG_LOG']}")));
  const OciRlimit *rlimit = g_ptr_array_index (spec->process->rlimits, 0);
  const OciSeccomp *seccomp = spec->linux_->seccomp;

  g_assert_cmpstr (spec->process->cwd, ==, "/");
  g_assert_cmpuint (spec->process->user->uid.value, ==, 0);
  g_assert_cmpint (rlimit->type, ==, RLIMIT_NOFILE);
  g_assert_cmpuint (rlimit->hard.value, ==, G_MAXUINT64);
  g_assert_cmpint (spec->linux_->rootfs_propagation, ==, MS_SLAVE | MS_REC);
  g_assert_cmpint (seccomp->default_action, ==, OCI_SECCOMP_KILL);
  g_assert_cmpuint (g_array_index (seccomp->architectures, guint32, 0), ==, AUDIT_ARCH_X86_64);
  g_assert_cmpuint (g_array_index (seccomp->flags, guint32, 0), ==, 2);
  g_assert_nonnull (oci_linux_namespace (spec->linux_, CLONE_NEWUTS));
  g_assert_null (oci_linux_namespace (spec->linux_, CLONE_NEWPID));
  g_assert_cmpstr (oci_spec_annotation (spec, "k"), ==, "v");
  g_assert_null (oci_spec_annotation (spec, "x"));
}

static void
test_defaults (void)
{
  g_autoptr (OciSpec) spec = parse_valid (SPEC (",'linux':{'seccomp':{'defaultAction':''}}"));
  g_autoptr (OciSpec) least = parse_valid (SPEC (""));

  g_assert_cmpint (spec->linux_->seccomp->default_action, ==, -1);
  g_assert_nonnull (least->linux_);
  g_assert_null (least->process);
  g_assert_cmpint (least->linux_->rootfs_propagation, ==, -1);
  g_assert_cmpuint (least->notes->len, ==, 0);
}

static const struct {
  const char *text;
  const char *pointer;  /* of the first that is refused; NULL: none is */
} refusals[] = {
  { SPEC (PROCESS ("")), NULL },
  { SPEC (PROCESS (",'selinuxLabel':'','apparmorProfile':''")), NULL },
  { SPEC (PROCESS (",'scheduler':{'policy':'SCHED_FIFO'}")), NULL },
  { SPEC (PROCESS (",'execCPUAffinity':{'initial':'1'}")), NULL },
  { SPEC (",'hooks':{}"), NULL },
  { SPEC (",'hooks':{'prestart':[]}"), NULL },
  { SPEC (",'hooks':{'startContainer':[{'path':'/a'}]}"), NULL },
  { SPEC (",'windows':{'layerFolders':['x']},'vm':{'kernel':{'path':'/a'}}"), NULL },
  { SPEC (LINUX (",'resources':{'pids':{'limit':2048}}")), NULL },
  { SPEC (LINUX (",'resources':{'pids':{'limit':-1},'memory':{'limit':0},'cpu':{'cpus':''}}")),
    NULL },
  { SPEC (LINUX (",'resources':{'devices':[{'allow':false,'access':'rwm'}]}")), NULL },
  { SPEC (LINUX (",'resources':{'unified':{'memory.max':'1'}}")), NULL },
  { SPEC (LINUX (",'intelRdt':{'closID':''}")), NULL },
  { SPEC (LINUX (",'netDevices':{'eth0':{'name':'eth1'}}")), NULL },
  { SPEC (LINUX (",'seccomp':{'defaultAction':'SCMP_ACT_LOG','listenerPath':'/x'}")), NULL },
};

static void
test_refusals (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (OciSpec) spec = parse_valid (refusals[i].text);
      const FieldNote *note = oci_notes_refused (spec->notes);

      g_assert_cmpstr (note != NULL ? note->pointer : NULL, ==, refusals[i].pointer);
    }
}

static void
test_sysctl_path (void)
{
  static const struct {
    const char *key;
    const char *path;
  } keys[] = {
    { "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
    { "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
    { "net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding" },
    { "net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding" },
    { "net", "net" },
    { "", NULL },
    { "/net", NULL },
    { "net//x", NULL },
    { "net..x", NULL },
    { "net.x.", NULL },
    { "net/./x", NULL },
    { "net/../x", NULL },
    { "net.//.x", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *path = oci_sysctl_path (keys[i].key);

      g_assert_cmpstr (path, ==, keys[i].path);
    }
}

static void
test_path_normalize (void)
{
  static const char *const paths[][2] = {
    { "/", "/" }, { "", "/" }, { ".", "/" }, { "//", "/" }, { "///", "/" }, { "/..", "/" },
    { "a", "/a" }, { "/a/", "/a" }, { "//a//b/", "/a/b" }, { "/a/./b/../c", "/a/c" },
    { "../../a", "/a" }, { "/a/../..", "/" }, { "/a/...", "/a/..." },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = oci_path_normalize (paths[i][0]);

      g_assert_cmpstr (path, ==, paths[i][1]);
    }
}

static void
test_documents (void)
{
  static const char process_text[] = "{\"cwd\":\"/\",\"args\":[\"a\"],\"commandLine\":\"x\"}";
  static const char bad_process[] = "{\"cwd\":\"/\",\"args\":[\"a\"],\"env\":[\"=\"]}";
  static const char resources_text[] = "{\"memory\":{\"limit\":5}}";
  g_autoptr (GPtrArray) notes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (OciResources) resources = NULL;
  g_autoptr (OciProcess) process = NULL;

  process = oci_process_parse (process_text, strlen (process_text), "p.json", &notes, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (process->args[0], ==, "a");
  g_assert_cmpuint (notes->len, ==, 1);
  g_assert_null (oci_notes_refused (notes));

  g_assert_null (oci_process_parse (bad_process, strlen (bad_process), "p.json", NULL, &error));
  g_assert_cmpstr (error->message, ==, "p.json: /env/0: expected NAME=value, got \"=\"");
  g_clear_error (&error);

  resources = oci_resources_parse (resources_text, strlen (resources_text), "-", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (resources->memory->limit.value, ==, 5);
  g_assert_null (oci_resources_parse ("[]", 2, "-", NULL, &error));
  g_assert_cmpstr (error->message, ==, "-: the top level must be an object, not an array");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/spec/case/%s", cases[i].name);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/spec/too-many-maps", test_too_many_maps);
  g_test_add_func ("/spec/values", test_values);
  g_test_add_func ("/spec/defaults", test_defaults);
  g_test_add_func ("/spec/refusals", test_refusals);
  g_test_add_func ("/spec/sysctl-path", test_sysctl_path);
  g_test_add_func ("/spec/path-normalize", test_path_normalize);
  g_test_add_func ("/spec/documents", test_documents);
  return g_test_run ();
}
