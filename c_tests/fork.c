/* Fork: handles of the parent are refused in the child, which can use the library itself. */
#define _GNU_SOURCE
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIM = 4 };

/* Runs `body` in a child; true when it returned true and nothing hung or crashed. The answer
 * comes over a pipe and not as exit status, which valgrind changes: to it, memory that only the
 * parent's other threads knew of is leaked in the child. */
static bool in_child(bool (*body)(void *), void *argument) {
  int ends[2], how = 0;
  char ok = 0;
  fflush(stdout);
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    ok = body(argument);
    fflush(stdout);
    _exit(write(ends[1], &ok, 1) == 1 ? 0 : 1);
  }
  close(ends[1]);
  CHECK(read(ends[0], &ok, 1) == 1);
  close(ends[0]);
  CHECK(child > 0 && waitpid(child, &how, 0) == child);
  if (WIFSIGNALED(how)) fail(__FILE__, __LINE__, "the child died of signal %d", WTERMSIG(how));
  return ok && WIFEXITED(how);
}

typedef struct handles { vdb *db; vdb_options *options; vdb_task *task; const char *path; } handles;

static bool parents_handles(void *argument) {
  handles *h = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t id = 7, count, near[1];
  float vector[DIM] = {0}, distance[1];
  bool ok = CHECK_STATUS(VDB_ERR_FORKED, vdb_count(h->db, &count, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_insert_batch(h->db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_search(h->db, vector, 1, DIM, 0, 1, NULL, near, distance, NULL, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_options_set_u64(h->options, VDB_OPT_DIM, 4, &error));
  ok &= vdb_task_cancel(h->task) == VDB_ERR_FORKED;
  /* Closing here only forgets: the parent keeps everything. */
  ok &= CHECK_OK(vdb_close(h->db, &error));
  ok &= CHECK_STATUS(VDB_ERR_CLOSED, vdb_close(h->db, &error));
  vdb_options_free(h->options);
  vdb_task_free(h->task);
  return ok;
}

static void a_child_cannot_use_or_harm_its_parents_handles(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  handles h = {.db = open_db(temp_path("parent"), DIM)};
  uint64_t count = 0;
  CHECK_OK(vdb_options_new(&h.options, &error));
  CHECK_OK(vdb_task_new(&h.task, &error));
  insert_noise(h.db, 1, 100, DIM);
  CHECK(in_child(parents_handles, &h));
  insert_noise(h.db, 101, 100, DIM);
  CHECK_OK(vdb_count(h.db, &count, &error));
  CHECK_U64(200, count);
  CHECK_OK(vdb_options_set_u64(h.options, VDB_OPT_DIM, 4, &error));
  vdb_options_free(h.options);
  vdb_task_free(h.task);
  CHECK_OK(vdb_close(h.db, &error));
}

static bool own_databases(void *argument) {
  handles *h = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *locked = NULL;
  uint64_t count = 0;
  bool ok = CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(h->path, NULL, &locked, &error));
  size_t rows = quick() ? 200 : 1000;
  for (int i = 0; i < 3; i++) {
    vdb *db = open_db_with(NULL, DIM, (const char *const[]){"index.graph_min_rows", "100", NULL});
    insert_noise(db, 1, rows, DIM);
    ok &= CHECK_OK(vdb_wait_indexed(db, NULL, &error));
    ok &= CHECK_OK(vdb_count(db, &count, &error)) && count == rows;
    ok &= CHECK_OK(vdb_close(db, &error));
  }
  return ok;
}

static void a_child_opens_databases_of_its_own(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  handles h = {.path = temp_path("mine")};
  h.db = open_db(h.path, DIM);
  CHECK(in_child(own_databases, &h));
  CHECK_OK(vdb_close(h.db, &error));
}

/* A child that lives on holds copies of the parent's descriptors, but not its lock. */
static void a_child_does_not_keep_the_database_locked(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("shared");
  vdb *db = open_db(path, DIM);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  CHECK_OK(vdb_close(db, &error));
  CHECK_OK(vdb_open(path, NULL, &db, &error));
  CHECK_OK(vdb_close(db, &error));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

#if !defined(__SANITIZE_ADDRESS__)
static atomic_bool stop;

static void *keep_busy(void *argument) {
  vdb *db = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  for (uint64_t id = 10000; !atomic_load(&stop); id++) {
    float vector[DIM] = {0}, distances[3];
    uint64_t near[3];
    vdb_options *options = NULL;
    CHECK_OK(vdb_options_new(&options, &error));
    CHECK_OK(vdb_insert_batch(db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
    CHECK_OK(vdb_search(db, vector, 1, DIM, 0, 3, NULL, near, distances, NULL, &error));
    vdb_options_free(options);
  }
  return NULL;
}
#endif

/* Forking in the middle of other threads' calls leaves a library the child can use. */
static void forks_in_the_middle_of_calls(void) {
#if defined(__SANITIZE_ADDRESS__)
  /* Seen as a child that waits for a lock in libsanitizer's own allocator. */
  skip("the address sanitizer's allocator does not survive a fork in the middle of a thread's call");
#else
  vdb_error_t error = VDB_ERROR_INIT;
  handles h = {.path = temp_path("busy")};
  pthread_t busy;
  h.db = open_db(h.path, DIM);
  atomic_store(&stop, false);
  CHECK(pthread_create(&busy, NULL, keep_busy, h.db) == 0);
  for (int round = 0; round < (quick() ? 2 : 10); round++) CHECK(in_child(own_databases, &h));
  atomic_store(&stop, true);
  pthread_join(busy, NULL);
  CHECK_OK(vdb_close(h.db, &error));
#endif
}

TEST_TABLE(fork) = {
    TEST(a_child_cannot_use_or_harm_its_parents_handles),
    TEST(a_child_opens_databases_of_its_own),
    TEST(a_child_does_not_keep_the_database_locked),
    TEST(forks_in_the_middle_of_calls),
    END_OF_TESTS,
};
