/* HOME from the image's /etc/passwd. The file is hostile: it may be a FIFO, a device or
 * without end, so it is opened without waiting, must be a regular file, and only so much
 * of it is read; it is streamed, so no line is too long. */
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4 << 20)  /* bytes that are looked at */
#define FIELD_UID 2
#define FIELD_HOME 5

/* The line under way. */
struct entry {
  unsigned int field;
  size_t length;     /* of the uid's digits or of the home so far */
  uint64_t uid;
  bool valid;        /* the uid is a number */
  char home[4000];
};

static void
add_character (struct entry *entry, char c)
{
  if (c == ':')
    {
      entry->valid = entry->valid && (entry->field != FIELD_UID || entry->length > 0);
      entry->field++;
      entry->length = 0;
    }
  else if (entry->field == FIELD_UID)
    {
      entry->valid = entry->valid && c >= '0' && c <= '9' && entry->length++ < 10;
      entry->uid = entry->uid * 10 + (uint64_t) (c - '0');
    }
  else if (entry->field == FIELD_HOME)
    {
      entry->valid = entry->valid && entry->length + 1 < sizeof entry->home;
      if (entry->valid)
        entry->home[entry->length++] = c;
      entry->home[entry->length] = '\0';
    }
}

/* Looks for the line of @uid; true if it was found and names an absolute directory. */
static bool
find_home (int fd, uint64_t uid, struct entry *entry)
{
  char buffer[4096];
  size_t seen = 0;
  ssize_t n;

  *entry = (struct entry) { .valid = true };
  while (seen < FILE_MAX && (n = read (fd, buffer, sizeof buffer)) > 0)
    {
      seen += (size_t) n;
      for (ssize_t i = 0; i < n; i++)
        if (buffer[i] != '\n')
          add_character (entry, buffer[i]);
        else if (entry->valid && entry->field > FIELD_HOME && entry->uid == uid)
          return entry->home[0] == '/';
        else
          *entry = (struct entry) { .valid = true };
    }
  return entry->valid && entry->field > FIELD_HOME && entry->uid == uid && entry->home[0] == '/';
}

void
do_home (struct init *init, const struct op *op)
{
  char home[sizeof "HOME=" + sizeof ((struct entry *) NULL)->home];
  struct entry entry;
  struct stat st;
  bool found = false;
  int fd = open ("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
    found = find_home (fd, op->numbers[0], &entry);
  if (fd >= 0)
    (void) close (fd);
  (void) snprintf (home, sizeof home, "HOME=%s", found ? entry.home : "/");
  init->home = keep (init, home);
}
