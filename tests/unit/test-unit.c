/* Units for systemd: the words of their commands, what a service cannot be, limits. */
#include "config.h"

#include "base/error.h"
#include "plan/unit.h"

#include <string.h>

/* A configuration with more members at the top and in its Linux part. */
static OciSpec *
make_spec (const char *top, const char *linux_)
{
  g_autofree char *text
    = g_strdup_printf ("{\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"r\"}, \"process\":"
                       " {\"cwd\": \"/\", \"args\": [\"/bin/web\"]}%s, \"linux\": {%s}}", top,
                       linux_);
  g_autoptr (GError) error = NULL;
  OciSpec *spec = oci_spec_parse (text, strlen (text), "config.json", &error);

  g_assert_no_error (error);
  return spec;
}

static char *
format (const OciSpec *spec, const UnitOptions *more, GError **error)
{
  static const char *const none[] = { NULL };
  UnitOptions options = *more;

  options.name = "web-1";
  if (options.bundle == NULL)
    options.bundle = "/b";
  if (options.program == NULL)
    options.program = "/usr/bin/bwrap-oci";
  if (options.globals == NULL)
    options.globals = none;
  return unit_format (spec, &options, error);
}

/* The whole text, once. */
static void
test_whole (void)
{
  g_autoptr (OciSpec) spec = make_spec ("", "");
  g_autoptr (GError) error = NULL;
  g_autofree char *unit = format (spec, &(UnitOptions) { .type = -1 }, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (unit, ==,
                   "[Unit]\n"
                   "Description=OCI container web-1\n"
                   "Documentation=man:bwrap-oci(1)\n"
                   "\n"
                   "[Service]\n"
                   "Type=simple\n"
                   "ExecStart=/usr/bin/bwrap-oci run --bundle /b web-1\n"
                   "ExecStopPost=/usr/bin/bwrap-oci delete --force web-1\n"
                   "Restart=on-failure\n"
                   "KillMode=mixed\n"
                   "KillSignal=SIGTERM\n"
                   "SuccessExitStatus=143\n"
                   "SyslogIdentifier=web-1\n"
                   "Delegate=yes\n"
                   "\n"
                   "[Install]\n"
                   "WantedBy=default.target\n");
}

typedef struct {
  const char *name;
  UnitOptions options;
  const char *top;     /* further members of the configuration */
  const char *linux_;  /* members of its Linux part */
  const char *lines;   /* stand in the unit, each as a whole line; NULL: it fails */
  const char *message; /* then: a part of the message */
  OciSystemd systemd;
} Case;

#define RESOURCES(text) "\"resources\": {" text "}"
#define STOP_SIGNAL(text) \
  ", \"annotations\": {\"org.opencontainers.image.stopSignal\": \"" text "\"}"

static const char *const odd_words[] = { "/a b%h/$HOME/\"q\" 'r' \\x\n\x01;é", "", NULL };
#define ODD_WORDS "\"/a b%%h/$$HOME/\\\"q\\\" 'r' \\\\x\\x0a\\x01;é\" \"\""

static const Case cases[] = {
  { "notify", { .type = UNIT_NOTIFY },
    .lines = "Type=notify\nExecStart=/usr/bin/bwrap-oci run --bundle /b web-1" },
  { "forking", { .type = UNIT_FORKING },
    .lines = "Type=forking\nExecStart=/usr/bin/bwrap-oci run --detach --pid-file"
             " %t/bwrap-oci-web-1.pid --bundle /b web-1\nPIDFile=%t/bwrap-oci-web-1.pid\n"
             "SuccessExitStatus=SIGTERM" },
  { "config", { .type = -1, .config = "other config.json" },
    .lines = "ExecStart=/usr/bin/bwrap-oci run --bundle /b --config \"other config.json\" web-1" },

  /* words */
  { "words", { .type = -1, .globals = odd_words, .bundle = "/100%/$5" },
    .lines = "ExecStart=/usr/bin/bwrap-oci " ODD_WORDS " run --bundle /100%%/$$5 web-1\n"
             "ExecStopPost=/usr/bin/bwrap-oci " ODD_WORDS " delete --force web-1" },
  { "program", { .type = -1, .program = "/o p/100%/$x/bwrap-oci" },
    .lines = "ExecStart=\"/o p/100%%/$x/bwrap-oci\" run --bundle /b web-1" },
  { "program-quotes", { .type = -1, .program = "/it's" },
    .message = "/it's: systemd takes no program with quotes" },
  { "not-utf8", { .type = -1, .bundle = "/\xff" }, .message = "not UTF-8" },

  /* ends */
  { "stop-signal", { .type = -1 }, .top = STOP_SIGNAL ("SIGQUIT"),
    .lines = "KillSignal=SIGQUIT\nSuccessExitStatus=131" },
  { "stop-signal-number", { .type = UNIT_FORKING }, .top = STOP_SIGNAL ("37"),
    .lines = "KillSignal=SIGRTMIN+3\nSuccessExitStatus=SIGRTMIN+3" },
  { "stop-signal-kill", { .type = -1 }, .top = STOP_SIGNAL ("kill"),
    .lines = "KillSignal=SIGKILL\nSuccessExitStatus=SIGKILL" },
  { "stop-signal-unknown", { .type = -1 }, .top = STOP_SIGNAL ("TERM\\nExecStart=/x"),
    .message = "/annotations/org.opencontainers.image.stopSignal: unknown signal" },
  { "stop-signal-none", { .type = -1 }, .top = STOP_SIGNAL ("0"), .message = "unknown signal" },
  { "systemd", { .type = -1 }, .systemd = SYSTEMD_CERTAIN,
    .lines = "Type=notify\nKillSignal=SIGRTMIN+3\nSuccessExitStatus=129 130 165\n"
             "RestartForceExitStatus=129" },
  { "systemd-likely", { .type = -1 }, .systemd = SYSTEMD_LIKELY,
    .lines = "Type=simple\nKillSignal=SIGRTMIN+3\nSuccessExitStatus=129 130 165" },
  { "systemd-forking", { .type = UNIT_FORKING }, .systemd = SYSTEMD_CERTAIN,
    .lines = "Type=forking\nSuccessExitStatus=SIGHUP SIGINT SIGRTMIN+3\n"
             "RestartForceExitStatus=SIGHUP" },
  { "systemd-stop-signal", { .type = UNIT_SIMPLE }, .systemd = SYSTEMD_CERTAIN,
    .top = STOP_SIGNAL ("TERM"),
    .lines = "Type=simple\nKillSignal=SIGTERM\nSuccessExitStatus=129 130 143" },

  /* what cannot be */
  { "cgroup", { .type = UNIT_FORKING }, .linux_ = "\"cgroupsPath\": \"/x\"",
    .message = "config.json: /linux/cgroupsPath: /x: the container's first process would not be in"
               " the unit's cgroup" },
  { "cgroup-scope", { .type = UNIT_FORKING }, .linux_ = "\"cgroupsPath\": \"a.slice:b:c\"",
    .message = "/linux/cgroupsPath" },
  { "cgroup-below", { .type = UNIT_FORKING }, .linux_ = "\"cgroupsPath\": \"x\"",
    .lines = "Type=forking" },
  { "cgroup-simple", { .type = UNIT_SIMPLE }, .linux_ = "\"cgroupsPath\": \"/x\"",
    .lines = "Type=simple" },

  /* limits */
  { "memory", { .type = -1 },
    .linux_ = RESOURCES ("\"memory\": {\"limit\": 67108864, \"swap\": 100000000,"
                         " \"reservation\": 33554432}"),
    .lines = "MemoryMax=67108864\nMemorySwapMax=32891136\nMemoryLow=33554432" },
  { "memory-unlimited", { .type = -1 }, .linux_ = RESOURCES ("\"memory\": {\"limit\": -1}"),
    .lines = "Delegate=yes\n" },
  { "room-for-the-runtime", { .type = -1 },
    .linux_ = RESOURCES ("\"memory\": {\"limit\": 1000}, \"pids\": {\"limit\": 1}"),
    .lines = "MemoryMax=16777216\nTasksMax=16" },
  { "pids", { .type = -1 }, .linux_ = RESOURCES ("\"pids\": {\"limit\": 100}"),
    .lines = "TasksMax=100" },
  { "cpu", { .type = -1 },
    .linux_ = RESOURCES ("\"cpu\": {\"quota\": 150000, \"shares\": 1024, \"cpus\": \"0-1,3\","
                         " \"mems\": \"0\"}"),
    .lines = "CPUQuota=150%\nCPUWeight=100\nAllowedCPUs=0-1,3\nAllowedMemoryNodes=0" },
  { "cpu-period", { .type = -1 },
    .linux_ = RESOURCES ("\"cpu\": {\"quota\": 1000, \"period\": 30000}"),
    .lines = "CPUQuota=3.34%\nCPUQuotaPeriodSec=30000us" },
  { "cpu-idle", { .type = -1 }, .linux_ = RESOURCES ("\"cpu\": {\"idle\": 1}"),
    .lines = "CPUWeight=idle" },
  { "io", { .type = -1 },
    .linux_ = RESOURCES ("\"blockIO\": {\"weight\": 10, \"weightDevice\": [{\"major\": 8,"
                         " \"minor\": 1, \"weight\": 1000}], \"throttleReadBpsDevice\":"
                         " [{\"major\": 8, \"minor\": 0, \"rate\": 7}],"
                         " \"throttleWriteIOPSDevice\": [{\"major\": 8, \"minor\": 0,"
                         " \"rate\": 9}]}"),
    .lines = "IOWeight=1\nIODeviceWeight=/dev/block/8:1 10000\n"
             "IOReadBandwidthMax=/dev/block/8:0 7\nIOWriteIOPSMax=/dev/block/8:0 9" },
  { "unified", { .type = -1 },
    .linux_ = RESOURCES ("\"unified\": {\"memory.high\": \"50000000\", \"memory.min\": \"max\","
                         " \"io.max\": \"8:16 rbps=1 wbps=max riops=2\"}"),
    .lines = "MemoryHigh=50000000\nMemoryMin=infinity\nIOReadBandwidthMax=/dev/block/8:16 1\n"
             "IOReadIOPSMax=/dev/block/8:16 2" },
  { "only-v1", { .type = -1 }, .linux_ = RESOURCES ("\"memory\": {\"swappiness\": 1}"),
    .message = "config.json: /linux/resources/memory/swappiness: only cgroup v1" },
};

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (OciSpec) spec = make_spec (test->top != NULL ? test->top : "",
                                        test->linux_ != NULL ? test->linux_ : "");
  g_autoptr (GError) error = NULL;
  g_autofree char *unit = NULL;
  g_auto (GStrv) lines = NULL, wanted = NULL;

  spec->systemd = test->systemd;
  unit = format (spec, &test->options, &error);
  if (test->lines == NULL)
    {
      g_assert_null (unit);
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, test->message));
      return;
    }
  g_assert_no_error (error);
  lines = g_strsplit (unit, "\n", -1);
  wanted = g_strsplit (test->lines, "\n", -1);
  for (char **line = wanted; *line != NULL; line++)
    if (!g_strv_contains ((const char *const *) lines, *line))
      g_error ("not in the unit: %s\n%s", *line, unit);
}

/* Values that come as text cannot bring lines of their own. */
static void
test_injection (void)
{
  g_autoptr (OciSpec) spec = make_spec (
    "", RESOURCES ("\"cpu\": {\"cpus\": \"0\\nX=1\"}, \"unified\": {"
      "\"memory.high\": \"1\\nX=1\", \"cpu.max\": \"1\\nX=1 2\", \"io.max\": \"8:0 rbps=1\\nX=1\","
      " \"io.weight\": \"1\\nX=1\", \"pids.max\\nX=1\": \"1\"}"));
  g_autoptr (GError) error = NULL;
  g_autofree char *unit = format (spec, &(UnitOptions) { .type = -1 }, &error);

  g_assert_no_error (error);
  g_assert_null (strstr (unit, "X=1"));
}

static void
test_terminal (void)
{
  static const char text[] = "{\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"r\"}, \"process\":"
                             " {\"terminal\": true, \"cwd\": \"/\", \"args\": [\"x\"]}}";
  g_autoptr (GError) error = NULL;
  g_autoptr (OciSpec) spec = oci_spec_parse (text, strlen (text), "config.json", &error);
  g_autofree char *unit = NULL;

  g_assert_no_error (error);
  unit = format (spec, &(UnitOptions) { .type = -1 }, &error);
  g_assert_null (unit);
  g_assert_error (error, RUNTIME_ERROR, RUNTIME_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==,
                   "config.json: /process/terminal: a service has no terminal (make it false)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unit/whole", test_whole);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/unit/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/unit/injection", test_injection);
  g_test_add_func ("/unit/terminal", test_terminal);
  return g_test_run ();
}
