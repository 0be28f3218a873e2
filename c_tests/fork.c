/* Fork: handles of the parent are refused in the child, which can use the library itself. */
#define _GNU_SOURCE
#include "harness.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIM = 4 };

static bool in_child(bool (*body)(void *), void *argument) { return end_child(start_child(body, argument)); }

typedef struct handles {
  vdb *db;
  vdb_options *options;
  vdb_task *task;
  vdb_cursor *cursor;
  vdb_snapshot *snapshot;
  const char *path, *own;
} handles;

static bool parents_handles(void *argument) {
  handles *h = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t id = 7, count, near[1];
  float vector[DIM] = {0}, distance[1];
  bool ok = CHECK_STATUS(VDB_ERR_FORKED, vdb_count(h->db, NULL, &count, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_insert_batch(h->db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_search(h->db, vector, 1, DIM, 0, 1, NULL, near, distance, NULL, &error));
  vdb_latency_t latency = {.struct_size = sizeof latency};
  size_t len = 0;
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_explain(h->db, vector, DIM, 1, NULL, NULL, 0, &len, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_columns_get(h->db, NULL, 0, &len, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_option_get_text(h->db, VDB_OPT_DIM, NULL, 0, &len, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_latency_get(h->db, VDB_CALL_GET, &latency, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_log_read(h->db, NULL, 0, &len, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_cache_clear(h->db, &error));
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_options_set_u64(h->options, VDB_OPT_DIM, 4, &error));
  size_t rows = 0;
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_cursor_next(h->cursor, 1, near, NULL, &rows, &error));
  ok &= vdb_task_cancel(h->task) == VDB_ERR_FORKED;
  vdb *own = open_db(NULL, DIM);
  ok &= CHECK_STATUS(VDB_ERR_FORKED, vdb_count_at(own, h->snapshot, NULL, &count, &error));
  ok &= CHECK_OK(vdb_close(own, &error));
  /* Closing here only forgets: the parent keeps everything. */
  ok &= CHECK_OK(vdb_close(h->db, &error));
  ok &= CHECK_STATUS(VDB_ERR_CLOSED, vdb_close(h->db, &error));
  vdb_options_free(h->options);
  vdb_task_free(h->task);
  vdb_cursor_free(h->cursor);
  vdb_snapshot_free(h->snapshot);
  return ok;
}

static void a_child_cannot_use_or_harm_its_parents_handles(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  /* With a graph, so that the parent has background threads when it forks. */
  handles h = {.db = open_db_with(temp_path("parent"), DIM, (const char *const[]){"index.graph_min_rows", "50", NULL})};
  uint64_t count = 0;
  CHECK_OK(vdb_options_new(&h.options, &error));
  CHECK_OK(vdb_task_new(&h.task, &error));
  insert_noise(h.db, 1, 100, DIM);
  CHECK_OK(vdb_wait_indexed(h.db, NULL, &error));
  CHECK_OK(vdb_cursor_scan(h.db, NULL, &h.cursor, &error));
  CHECK_OK(vdb_snapshot_new(h.db, &h.snapshot, &error));
  CHECK(in_child(parents_handles, &h));
  uint64_t first = 0;
  size_t rows = 0;
  CHECK_OK(vdb_cursor_next(h.cursor, 1, &first, NULL, &rows, &error));
  CHECK_U64(1, first);
  vdb_cursor_free(h.cursor);
  CHECK_OK(vdb_count_at(h.db, h.snapshot, NULL, &count, &error));
  CHECK_U64(100, count);
  vdb_snapshot_free(h.snapshot);
  insert_noise(h.db, 101, 100, DIM);
  CHECK_OK(vdb_wait_indexed(h.db, NULL, &error));
  CHECK_OK(vdb_count(h.db, NULL, &count, &error));
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
  float query[DIM] = {0}, distances[5];
  uint64_t near[5];
  uint32_t found = 0;
  bool ok = CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(h->path, NULL, &locked, &error));
  size_t rows = quick() ? 200 : 1000;
  /* The first two in memory, the third on disk, the fourth finds what the third has left. */
  for (int i = 0; i < 4; i++) {
    vdb *db = open_db_with(i < 2 ? NULL : h->own, DIM, (const char *const[]){"index.graph_min_rows", "100", NULL});
    if (i < 3) insert_noise(db, 1, rows, DIM);
    ok &= CHECK_OK(vdb_wait_indexed(db, NULL, &error));
    ok &= CHECK_OK(vdb_count(db, NULL, &count, &error)) && count == rows;
    ok &= CHECK_OK(vdb_search(db, query, 1, DIM, 0, 5, NULL, near, distances, &found, &error)) && found == 5;
    ok &= CHECK_OK(vdb_checkpoint(db, NULL, &error));
    ok &= CHECK_OK(vdb_close(db, &error));
  }
  return ok;
}

static void a_child_opens_databases_of_its_own(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  handles h = {.path = temp_path("mine"), .own = temp_path("own")};
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

/* Nor does it when the parent never came to close it. */
static void a_child_does_not_keep_the_lock_of_a_parent_that_died(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("orphaned");
  int ready[2];
  pid_t child = 0;
  uint64_t count = 0;
  CHECK(pipe(ready) == 0);
  fflush(stdout);
  pid_t parent = fork();
  if (parent == 0) {
    vdb *db = open_db(path, DIM);
    insert_noise(db, 1, 10, DIM);
    if (fork() == 0) {
      alarm(60);
      /* Only now has it come past what the library does in a child. */
      child = getpid();
      if (write(ready[1], &child, sizeof child) == sizeof child) pause();
      _exit(0);
    }
    pause();
    _exit(1);
  }
  CHECK(read(ready[0], &child, sizeof child) == sizeof child);
  vdb *db = NULL;
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(path, NULL, &db, &error));
  kill(parent, SIGKILL);
  waitpid(parent, NULL, 0);
  db = open_db(path, DIM);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(10, count);
  CHECK_OK(vdb_close(db, &error));
  if (child > 0) kill(child, SIGKILL);
  close(ready[0]), close(ready[1]);
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
  h.db = open_db_with(h.path, DIM, (const char *const[]){"index.graph_min_rows", "50", NULL});
  insert_noise(h.db, 1, 500, DIM);
  atomic_store(&stop, false);
  CHECK(pthread_create(&busy, NULL, keep_busy, h.db) == 0);
  for (int round = 0; round < (quick() ? 2 : 10); round++) {
    char own[600];
    snprintf(own, sizeof own, "%.500s-%d", h.path, round);
    h.own = own;
    CHECK(in_child(own_databases, &h));
  }
  atomic_store(&stop, true);
  pthread_join(busy, NULL);
  CHECK_OK(vdb_close(h.db, &error));
#endif
}

TEST_TABLE(fork) = {
    TEST(a_child_cannot_use_or_harm_its_parents_handles),
    TEST(a_child_opens_databases_of_its_own),
    TEST(a_child_does_not_keep_the_database_locked),
    TEST(a_child_does_not_keep_the_lock_of_a_parent_that_died),
    TEST(forks_in_the_middle_of_calls),
    END_OF_TESTS,
};
