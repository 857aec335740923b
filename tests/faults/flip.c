/* A file system that lies: it shows what is in a folder, but a name may be something else from one
 * call to the next, and any call may fail or never be answered.
 *
 *   flip [-e N] FOLDER MOUNTPOINT [PATH=ANSWER[,ANSWER...]]...
 *
 * The lookups of PATH (below FOLDER, without a slash at its beginning) are answered in turn with
 * true (what is there), dir, file, fifo, zero (a device that never ends), link:TARGET, none, stale
 * (ESTALE), eio, hang; N*ANSWER is so many of them. A PATH "readlink:", "open:", "getattr:" or
 * "mkdir:" means that call on whatever has been lied about. -e N: of all other calls each Nth
 * fails, with ESTALE and EIO in turn.
 *
 * It speaks with the kernel itself (fuse(4), linux/fuse.h), says "ready" when it is mounted, and
 * ends when it is not any more. To be started by root. */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define NODES_MAX 65536
#define LIES_MAX 64
#define ANSWERS_MAX 1024
#define BUFFER_SIZE (1 << 18)

enum kind { TRUE, DIR_, FILE_, FIFO, ZERO, LINK, NONE, STALE, BROKEN, HANG };

static const char *const kind_names[] = {
  [TRUE] = "true", [DIR_] = "dir", [FILE_] = "file", [FIFO] = "fifo", [ZERO] = "zero",
  [LINK] = "link:", [NONE] = "none", [STALE] = "stale", [BROKEN] = "eio", [HANG] = "hang",
};

static const mode_t kind_modes[] = {
  [DIR_] = S_IFDIR | 0755, [FILE_] = S_IFREG | 0755, [FIFO] = S_IFIFO | 0666,
  [ZERO] = S_IFCHR | 0666, [LINK] = S_IFLNK | 0777,
};

struct answer {
  enum kind kind;
  const char *target;
};

static struct {
  const char *path;
  struct answer *answers;
  int count, next;
} lies[LIES_MAX];
static int n_lies;

/* What the kernel knows by a number: a path, and what it has been told to be. */
static struct node {
  char *path;
  struct answer as;
} nodes[NODES_MAX];
static uint64_t n_nodes = FUSE_ROOT_ID + 1;

static int device, folder, error_every, calls;
static uint64_t unique;

static int
answer (int error, const void *data, size_t size)
{
  struct fuse_out_header header = { .len = (uint32_t) (sizeof header + size), .error = -error,
                                    .unique = unique };
  char out[BUFFER_SIZE];

  memcpy (out, &header, sizeof header);
  if (size > 0)
    memcpy (out + sizeof header, data, size);
  /* ENOENT: whoever asked is gone */
  return write (device, out, header.len) >= 0 || errno == ENOENT;
}

static const char *
below (const char *path)
{
  return *path != '\0' ? path : ".";
}

static uint64_t
node_of (const char *path, struct answer as)
{
  for (uint64_t i = FUSE_ROOT_ID; i < n_nodes; i++)
    if (strcmp (nodes[i].path, path) == 0 && nodes[i].as.kind == as.kind
        && nodes[i].as.target == as.target)
      return i;
  if (n_nodes == NODES_MAX)
    errx (1, "too many nodes");
  nodes[n_nodes] = (struct node) { .path = strdup (path), .as = as };
  return n_nodes++;
}

/* The next answer for @path; the truth if nothing is said about it. */
static struct answer
next_lie (const char *path)
{
  for (int i = 0; i < n_lies; i++)
    if (strcmp (lies[i].path, path) == 0)
      return lies[i].answers[lies[i].next++ % lies[i].count];
  return (struct answer) { TRUE, NULL };
}

/* The error that stands for @kind; 0: none; -1: no answer at all. */
static int
error_of (enum kind kind)
{
  switch (kind)
    {
    case NONE:
      return ENOENT;
    case STALE:
      return ESTALE;
    case BROKEN:
      return EIO;
    case HANG:
      return -1;
    default:
      return 0;
    }
}

static int
attributes (uint64_t number, struct fuse_attr *attr)
{
  const struct node *node = &nodes[number];
  struct stat st = { .st_nlink = 1, .st_mode = kind_modes[node->as.kind], .st_blksize = 4096 };

  if (fstatat (folder, below (node->path), &st, AT_SYMLINK_NOFOLLOW) < 0
      && node->as.kind == TRUE)
    return errno;
  if (node->as.kind != TRUE)
    st.st_mode = kind_modes[node->as.kind];
  *attr = (struct fuse_attr) {
    .ino = number, .size = (uint64_t) st.st_size, .mode = st.st_mode, .uid = st.st_uid,
    .gid = st.st_gid, .nlink = (uint32_t) st.st_nlink, .blksize = 4096,
    /* /dev/zero as the kernel writes it here */
    .rdev = node->as.kind == ZERO ? 1 << 8 | 5 : (uint32_t) st.st_rdev,
  };
  return 0;
}

static int
child_path (char *path, uint64_t parent, const char *name)
{
  return snprintf (path, PATH_MAX, "%s%s%s", nodes[parent].path,
                   *nodes[parent].path != '\0' ? "/" : "", name);
}

static int
lookup (uint64_t parent, const char *name)
{
  struct fuse_entry_out entry = { 0 };
  char path[PATH_MAX];
  struct answer lie;
  int error;

  child_path (path, parent, name);
  lie = next_lie (path);
  error = error_of (lie.kind);
  if (error < 0)
    return 1;
  entry.nodeid = node_of (path, lie);
  if (error == 0)
    error = attributes (entry.nodeid, &entry.attr);
  return error != 0 ? answer (error, NULL, 0) : answer (0, &entry, sizeof entry);
}

static int
make (uint64_t parent, const char *name, mode_t mode, const struct fuse_in_header *header)
{
  char path[PATH_MAX];

  child_path (path, parent, name);
  if ((S_ISDIR (mode) ? mkdirat (folder, path, mode & 07777)
                      : mknodat (folder, path, S_IFREG | (mode & 07777), 0)) < 0
      || fchownat (folder, path, header->uid, header->gid, AT_SYMLINK_NOFOLLOW) < 0)
    return answer (errno, NULL, 0);
  return lookup (parent, name);
}

static int
read_link (const struct node *node)
{
  char target[PATH_MAX];
  ssize_t n;

  if (node->as.kind == LINK)
    return answer (0, node->as.target, strlen (node->as.target));
  n = readlinkat (folder, node->path, target, sizeof target);
  return n < 0 ? answer (errno, NULL, 0) : answer (0, target, (size_t) n);
}

static int
open_node (const struct node *node, int directory)
{
  struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO * !directory };
  int fd = openat (folder, below (node->path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);

  /* a lie has nothing in it */
  if (fd < 0 && node->as.kind == TRUE)
    return answer (errno, NULL, 0);
  out.fh = (uint64_t) (int64_t) fd;
  return answer (0, &out, sizeof out);
}

static int
read_file (const struct fuse_read_in *in)
{
  static char data[BUFFER_SIZE / 2];
  ssize_t n = pread ((int) in->fh, data, in->size < sizeof data ? in->size : sizeof data,
                     (off_t) in->offset);

  return answer (0, data, n > 0 ? (size_t) n : 0);
}

static int
read_directory (const struct fuse_read_in *in)
{
  static char data[BUFFER_SIZE / 2];
  int fd = (int) in->fh >= 0 ? dup ((int) in->fh) : -1;
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;
  uint64_t number = 0;
  size_t size = 0;

  if (dir == NULL)
    return answer (0, NULL, 0);
  rewinddir (dir);
  while ((entry = readdir (dir)) != NULL)
    {
      size_t length = strlen (entry->d_name), whole = FUSE_DIRENT_ALIGN (FUSE_NAME_OFFSET + length);
      struct fuse_dirent *out = (struct fuse_dirent *) (void *) (data + size);

      if (number++ < in->offset)
        continue;
      if (size + whole > in->size || size + whole > sizeof data)
        break;
      memset (out, 0, whole);
      *out = (struct fuse_dirent) { .ino = number, .off = number, .namelen = (uint32_t) length,
                                    .type = entry->d_type };
      memcpy (out->name, entry->d_name, length);
      size += whole;
    }
  closedir (dir);
  return answer (0, data, size);
}

static int
start (const struct fuse_init_in *in)
{
  struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
                               .max_readahead = in->max_readahead, .max_write = 65536,
                               .max_background = 12 };

  return answer (0, &out, sizeof out);
}

static int
file_system (void)
{
  struct fuse_statfs_out out = { .st = { .bsize = 4096, .namelen = 255, .frsize = 4096 } };

  return answer (0, &out, sizeof out);
}

/* What is said of a call whatever it is about; -2: nothing. */
static int
lie_about (uint32_t opcode, const struct node *node)
{
  static const struct {
    uint32_t opcode;
    const char *name;
  } names[] = { { FUSE_READLINK, "readlink:" }, { FUSE_OPEN, "open:" }, { FUSE_OPENDIR, "open:" },
                { FUSE_GETATTR, "getattr:" }, { FUSE_MKDIR, "mkdir:" } };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].opcode == opcode && (node->as.kind != TRUE || opcode == FUSE_MKDIR))
      {
        int error = error_of (next_lie (names[i].name).kind);

        if (error != 0)
          return error;
      }
  if (error_every > 0 && opcode != FUSE_INIT && ++calls % error_every == 0)
    return calls / error_every % 2 ? ESTALE : EIO;
  return -2;
}

static int
serve (const struct fuse_in_header *header, const void *in)
{
  const struct fuse_mkdir_in *mkdir_in = in;
  const struct fuse_mknod_in *mknod_in = in;
  const struct node *node = &nodes[header->nodeid < n_nodes ? header->nodeid : FUSE_ROOT_ID];
  struct fuse_attr_out out = { 0 };
  int error;

  unique = header->unique;
  if (header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET
      || header->opcode == FUSE_INTERRUPT)
    return 1;
  error = lie_about (header->opcode, node);
  if (error != -2)
    return error < 0 || answer (error, NULL, 0);
  switch (header->opcode)
    {
    case FUSE_INIT:
      return start (in);
    case FUSE_LOOKUP:
      return lookup (header->nodeid, in);
    case FUSE_MKDIR:
      return make (header->nodeid, (const char *) (mkdir_in + 1), S_IFDIR | mkdir_in->mode, header);
    case FUSE_MKNOD:
      return make (header->nodeid, (const char *) (mknod_in + 1), mknod_in->mode, header);
    case FUSE_GETATTR:
    case FUSE_SETATTR:
      error = attributes (header->nodeid, &out.attr);
      return error != 0 ? answer (error, NULL, 0) : answer (0, &out, sizeof out);
    case FUSE_READLINK:
      return read_link (node);
    case FUSE_OPEN:
    case FUSE_OPENDIR:
      return open_node (node, header->opcode == FUSE_OPENDIR);
    case FUSE_READ:
      return read_file (in);
    case FUSE_READDIR:
      return read_directory (in);
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      if ((int) ((const struct fuse_release_in *) in)->fh >= 0)
        (void) close ((int) ((const struct fuse_release_in *) in)->fh);
      return answer (0, NULL, 0);
    case FUSE_STATFS:
      return file_system ();
    default:
      return answer (ENOSYS, NULL, 0);
    }
}

/* An answer as it is written, and how often it is given. */
static struct answer
parse_answer (const char *word, long *ret_times)
{
  char *end;
  int kind = HANG;

  *ret_times = strtol (word, &end, 10);
  if (end == word)
    *ret_times = 1;
  else
    word = end + (*end == '*');
  while (kind >= 0 && strncmp (word, kind_names[kind], strlen (kind_names[kind])) != 0)
    kind--;
  if (kind < 0)
    errx (2, "%s", word);
  return (struct answer) { (enum kind) kind,
                           kind == LINK ? word + strlen (kind_names[LINK]) : NULL };
}

static void
add_lie (char *text)
{
  char *answers = strchr (text, '='), *word, *rest;
  int count = 0;

  if (answers == NULL || n_lies == LIES_MAX)
    errx (2, "%s", text);
  *answers++ = '\0';
  lies[n_lies].path = text;
  lies[n_lies].answers = calloc (ANSWERS_MAX, sizeof (struct answer));
  for (word = strtok_r (answers, ",", &rest); word != NULL; word = strtok_r (NULL, ",", &rest))
    {
      long times;
      struct answer as = parse_answer (word, &times);

      while (times-- > 0 && count < ANSWERS_MAX)
        lies[n_lies].answers[count++] = as;
    }
  lies[n_lies++].count = count;
}

int
main (int argc, char **argv)
{
  static char in[BUFFER_SIZE] __attribute__ ((aligned (8)));
  char options[128];
  ssize_t n;

  if (argc > 3 && strcmp (argv[1], "-e") == 0)
    {
      error_every = atoi (argv[2]);
      argv += 2;
      argc -= 2;
    }
  if (argc < 3)
    errx (2, "usage: flip [-e N] FOLDER MOUNTPOINT [PATH=ANSWER[,ANSWER...]]...");
  for (int i = 3; i < argc; i++)
    add_lie (argv[i]);
  nodes[FUSE_ROOT_ID] = (struct node) { .path = strdup (""), .as = { TRUE, NULL } };
  folder = open (argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
  device = open ("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (folder < 0 || device < 0)
    err (1, "%s, /dev/fuse", argv[1]);
  (void) snprintf (options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
                   device);
  if (mount ("flip", argv[2], "fuse", 0, options) < 0)
    err (1, "mount %s", argv[2]);
  (void) printf ("ready\n");
  (void) fflush (stdout);
  while ((n = read (device, in, sizeof in)) > 0 || errno == EINTR || errno == ENOENT)
    if (n > 0 && !serve ((const struct fuse_in_header *) (void *) in,
                         in + sizeof (struct fuse_in_header)))
      warn ("answer");
  return errno == ENODEV ? 0 : 1;
}
