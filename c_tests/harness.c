/* Runs the tests of all files, or those whose name contains the first argument. Prints one
 * line per test, "ok NAME" or "FAIL NAME", and a line with the sums. */
#define _GNU_SOURCE
#include "harness.h"

#include <ftw.h>
#include <stdarg.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One a line. `errors` is last: it checks that the others provoked every status. */
#define AREAS(X) \
  X(abi) \
  X(options) \
  X(open) \
  X(insert) \
  X(search) \
  X(ask) \
  X(cursor) \
  X(filter) \
  X(records) \
  X(task) \
  X(snapshot) \
  X(backup) \
  X(exchange) \
  X(threads) \
  X(fork) \
  X(durable) \
  X(check) \
  X(repair) \
  X(readers) \
  X(stress) \
  X(memory) \
  X(observe) \
  X(two_units) \
  X(errors)
#define DECLARE(area) extern const test area##_tests[];
#define ENTRY(area) {#area, area##_tests},
AREAS(DECLARE)
static const struct { const char *area; const test *tests; } areas[] = {AREAS(ENTRY)};

static atomic_int failures;
static atomic_bool seen[256];
static char temp_root[256];

void fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  atomic_fetch_add(&failures, 1);
  flockfile(stdout);
  printf("  %s:%d: ", file, line);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  funlockfile(stdout);
}

void skip(const char *why) { printf("skipped: %s\n", why); }

bool check_status(const char *file, int line, const char *call, vdb_status_t expected, vdb_status_t got,
                  const vdb_error_t *error) {
  if (expected >= -128 && expected < 128 && got == expected) atomic_store(&seen[expected + 128], true);
  if (got != expected) {
    fail(file, line, "%s is %s, not %s: %s", call, vdb_status_name(got), vdb_status_name(expected), error->message);
    return false;
  }
  /* Every failure comes with its code and a text to act on. */
  if (got < 0 && error->struct_size == sizeof *error && (error->code != got || error->message[0] == '\0')) {
    fail(file, line, "%s: the record says %d \"%s\"", call, error->code, error->message);
    return false;
  }
  return true;
}

bool status_seen(vdb_status_t status) { return atomic_load(&seen[status + 128]); }

bool quick(void) { return getenv("VDB_TEST_QUICK") != NULL; }

double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

float noise(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (float)((double)(*state >> 11) / (double)(UINT64_C(1) << 52) - 1.0);
}

void fill_noise(float *values, size_t count, uint64_t seed) {
  uint64_t state = seed * 2654435769u + 12345u;
  for (size_t i = 0; i < count; i++) values[i] = noise(&state);
}

/* The answer comes over a pipe and not as exit status, which valgrind changes: to it, memory
 * that only the parent's other threads knew of is leaked in the child. */
child start_child(bool (*body)(void *), void *argument) {
  int ends[2];
  fflush(stdout);
  CHECK(pipe(ends) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    alarm(120);
    char ok = body(argument);
    fflush(stdout);
    _exit(write(ends[1], &ok, 1) == 1 ? 0 : 1);
  }
  CHECK(pid > 0);
  close(ends[1]);
  return (child){pid, ends[0]};
}

bool end_child(child started) {
  int how = 0;
  char ok = 0;
  CHECK(read(started.answer, &ok, 1) == 1);
  close(started.answer);
  CHECK(waitpid((pid_t)started.pid, &how, 0) == started.pid);
  if (WIFSIGNALED(how)) fail(__FILE__, __LINE__, "the child died of signal %d", WTERMSIG(how));
  return ok && WIFEXITED(how);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
  (void)info, (void)type, (void)walk;
  return remove(path);
}

const char *temp_path(const char *name) {
  static char paths[8][512];
  static int next;
  char *path = paths[next++ % 8];
  if (temp_root[0] == '\0') {
    const char *base = getenv("TMPDIR");
    snprintf(temp_root, sizeof temp_root, "%.200s/vdb-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(temp_root) == NULL) perror("mkdtemp"), exit(2);
  }
  snprintf(path, sizeof paths[0], "%.250s/%.200s", temp_root, name);
  return path;
}

static void remove_temp(void) {
  if (temp_root[0] != '\0') nftw(temp_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  temp_root[0] = '\0';
}

vdb *open_db_with(const char *path, size_t dim, const char *const *pairs) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = NULL;
  vdb *db = NULL;
  if (!CHECK_OK(vdb_options_new(&options, &error))) return NULL;
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, dim, &error));
  for (; pairs != NULL && pairs[0] != NULL; pairs += 2) {
    CHECK_OK(vdb_options_set_text(options, pairs[0], pairs[1], &error));
  }
  CHECK_OK(vdb_open(path, options, &db, &error));
  vdb_options_free(options);
  return db;
}

vdb *open_db(const char *path, size_t dim) { return open_db_with(path, dim, NULL); }

void insert_noise(vdb *db, uint64_t first, size_t count, size_t dim) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t *ids = malloc(count * sizeof *ids);
  float *vectors = malloc(count * dim * sizeof *vectors);
  REQUIRE(ids != NULL && vectors != NULL);
  for (size_t i = 0; i < count; i++) ids[i] = first + i;
  fill_noise(vectors, count * dim, first);
  CHECK_OK(vdb_insert_batch(db, ids, vectors, count, dim, 0, VDB_SCALAR_F32, NULL, &error));
  free(vectors);
  free(ids);
}

int main(int argc, char **argv) {
  int passed = 0, failed = 0;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t a = 0; a < sizeof areas / sizeof areas[0]; a++) {
    for (const test *t = areas[a].tests; t->name != NULL; t++) {
      char name[128];
      snprintf(name, sizeof name, "%s/%s", areas[a].area, t->name);
      if (argc > 1 && strstr(name, argv[1]) == NULL) continue;
      atomic_store(&failures, 0);
      t->run();
      remove_temp();
      int bad = atomic_load(&failures);
      printf("%s %s\n", bad == 0 ? "ok" : "FAIL", name);
      bad == 0 ? passed++ : failed++;
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
