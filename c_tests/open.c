/* Opening and closing. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static vdb_status_t try_open(const char *path, const char *name, const char *value, vdb **db, vdb_error_t *caller) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = NULL;
  CHECK_OK(vdb_options_new(&options, &error));
  if (name != NULL) CHECK_OK(vdb_options_set_text(options, name, value, &error));
  vdb_status_t status = vdb_open(path, options, db, caller);
  vdb_options_free(options);
  return status;
}

static void memory_comes_and_goes(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 4);
  uint64_t count = 77;
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(0, count);
  insert_noise(db, 1, 10, 4);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(10, count);
  CHECK_OK(vdb_sync(db, &error));
  CHECK_OK(vdb_checkpoint(db, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

static void a_directory_keeps_rows_and_schema(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("kept");
  vdb *db = open_db_with(path, 6, (const char *const[]){"schema.metric", "cosine", "hnsw.m", "24", NULL});
  insert_noise(db, 1, 300, 6);
  CHECK_OK(vdb_close(db, &error));

  REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  uint64_t value = 0;
  CHECK_OK(vdb_count(db, NULL, &value, &error));
  CHECK_U64(300, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_DIM, &value, &error));
  CHECK_U64(6, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_METRIC, &value, &error));
  CHECK_U64(VDB_METRIC_COSINE, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_M, &value, &error));
  CHECK_U64(24, value);
  CHECK_OK(vdb_close(db, &error));

  CHECK_STATUS(VDB_ERR_MISMATCH, try_open(path, "schema.dim", "7", &db, &error));
  CHECK(db == NULL);
  CHECK_STATUS(VDB_ERR_MISMATCH, try_open(path, "schema.metric", "l2sq", &db, &error));
  CHECK_OK(try_open(path, "schema.dim", "6", &db, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* What a profile stands for is kept, the profile is not: the numbers say which it was. */
static void a_profile_chooses_the_numbers_of_the_graph(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("profile");
  vdb_options *options = NULL;
  vdb *db = NULL;
  uint64_t value = 0;
  CHECK_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, 6, &error));
  CHECK_OK(vdb_options_set_text(options, "hnsw.profile", "fast", &error));
  REQUIRE_OK(vdb_open(path, options, &db, &error));
  vdb_options_free(options);
  insert_noise(db, 1, 300, 6);
  CHECK_OK(vdb_close(db, &error));

  REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_M, &value, &error));
  CHECK_U64(16, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_EF_CONSTRUCTION, &value, &error));
  CHECK_U64(64, value);
  CHECK_OK(vdb_option_get_u64(db, VDB_OPT_PROFILE, &value, &error));
  CHECK_U64(VDB_PROFILE_FAST, value);
  CHECK_OK(vdb_close(db, &error));
  CHECK_STATUS(VDB_ERR_MISMATCH, try_open(path, "hnsw.profile", "quality", &db, &error));
  CHECK_OK(try_open(path, "hnsw.profile", "fast", &db, &error));
  CHECK_OK(vdb_close(db, &error));
}

static void what_cannot_be_opened(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = (vdb *)&error;
  CHECK_STATUS(VDB_ERR_NOT_FOUND, try_open(temp_path("absent"), "storage.create", "off", &db, &error));
  CHECK(db == NULL);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, try_open("", "schema.dim", "4", &db, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_open(NULL, NULL, &db, &error)); /* no dimension */
  const char *never = temp_path("never");
  struct stat info;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_open(never, NULL, &db, &error)); /* no dimension */
  CHECK(stat(never, &info) != 0 && errno == ENOENT);                          /* and no directory */
  const char *file = temp_path("file");
  FILE *f = fopen(file, "w");
  REQUIRE(f != NULL);
  fclose(f);
  CHECK_STATUS(VDB_ERR_IO, try_open(file, "schema.dim", "4", &db, &error));
  CHECK_STATUS(VDB_ERR_IO, try_open("/dev/null/inside", "schema.dim", "4", &db, &error));
  CHECK(error.os_error == ENOTDIR);
  char deep[600] = "/dev/null/";
  for (size_t i = strlen(deep); i < sizeof deep - 1; i++) deep[i] = i % 50 == 0 ? '/' : 'a';
  CHECK_STATUS(VDB_ERR_IO, try_open(deep, "schema.dim", "4", &db, &error));
  CHECK(strstr(error.message, strerror(ENOTDIR)) != NULL); /* the reason fits behind a long path */

  vdb_options *options = NULL;
  CHECK_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, 64, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_METRIC, VDB_METRIC_HAMMING, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_open(NULL, options, &db, &error));
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_SCALAR, VDB_SCALAR_B1, &error));
  CHECK_OK(vdb_open(NULL, options, &db, &error));
  CHECK_OK(vdb_close(db, &error));
  vdb_options_free(options);
}

/* The second writer is told which process is the first. */
static void check_locked(const char *path, pid_t owner) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *second = (vdb *)&error;
  char number[32];
  snprintf(number, sizeof number, "process %ld", (long)owner);
  CHECK_STATUS(VDB_ERR_LOCKED, vdb_open(path, NULL, &second, &error));
  CHECK(second == NULL);
  if (strstr(error.message, number) == NULL) fail(__FILE__, __LINE__, "no \"%s\" in: %s", number, error.message);
}

static void one_writer_at_a_time(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("locked");
  vdb *first = open_db(path, 4), *second = NULL;
  check_locked(path, getpid());
  CHECK_OK(vdb_close(first, &error));
  CHECK_OK(vdb_open(path, NULL, &second, &error));
  CHECK_OK(vdb_close(second, &error));
}

/* Opens databases called "db" in two directories, by that name, and goes from one to the other, as a program does that
 * becomes a service: each keeps its own. */
static bool goes_elsewhere(void *argument) {
  const char *places = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t count = 0;
  if (chdir(places) != 0 || mkdir("here", 0700) != 0 || mkdir("there", 0700) != 0) return false;
  if (chdir("there") != 0) return false;
  vdb *there = open_db("db", 4);
  insert_noise(there, 1, 10, 4);
  bool ok = CHECK_OK(vdb_close(there, &error));
  if (chdir("../here") != 0) return false;
  vdb *here = open_db("db", 4);
  insert_noise(here, 101, 20, 4);
  if (chdir("../there") != 0) return false;
  ok &= CHECK_OK(vdb_checkpoint(here, NULL, &error));
  insert_noise(here, 201, 20, 4);
  ok &= CHECK_OK(vdb_backup(here, "backup", NULL, NULL, &error));
  ok &= CHECK_OK(vdb_close(here, &error));
  const struct { const char *path; uint64_t rows; } all[] = {{"db", 10}, {"../here/db", 40}, {"backup", 40}};
  for (size_t i = 0; i < 3; i++) {
    vdb *db = open_db(all[i].path, 4);
    ok &= CHECK_OK(vdb_count(db, NULL, &count, &error)) && count == all[i].rows;
    ok &= CHECK_OK(vdb_check(db, VDB_CHECK_RECALL, NULL, 0, &(size_t){0}, NULL, &error));
    ok &= CHECK_OK(vdb_close(db, &error));
  }
  return ok;
}

static void a_path_means_what_it_meant_when_it_was_opened(void) {
  const char *places = temp_path("places");
  REQUIRE(mkdir(places, 0700) == 0);
  CHECK(end_child(start_child(goes_elsewhere, (void *)places)));
}

/* A program without standard streams, which prints all the same: not into the database. */
static bool prints_without_streams(void *argument) {
  vdb_error_t error = VDB_ERROR_INIT;
  fflush(stdout);
  int kept = dup(1);
  for (int stream = 0; stream < 3; stream++) close(stream);
  vdb *db = open_db(argument, 4);
  bool closed = true;
  for (uint64_t batch = 0; batch < 20; batch++) {
    insert_noise(db, 1 + batch * 10, 10, 4);
    if (batch == 10) CHECK_OK(vdb_checkpoint(db, NULL, &error));
    for (int stream = 0; stream < 3; stream++) closed &= write(stream, "a line of a log\n", 16) < 0 && errno == EBADF;
  }
  dup2(kept, 1);
  CHECK(closed);
  return closed;
  /* And ends without closing anything. */
}

static void the_standard_streams_are_not_the_librarys(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("streams");
  uint64_t count = 0;
  CHECK(end_child(start_child(prints_without_streams, (void *)path)));
  vdb *db = open_db(path, 4);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(200, count);
  CHECK_OK(vdb_close(db, &error));
}

/* Nobody has to break the lock of a process that was killed. */
static void the_lock_ends_with_its_process(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("killed");
  int ready[2];
  char byte = 0;
  uint64_t count = 0;
  CHECK(pipe(ready) == 0);
  fflush(stdout);
  pid_t owner = fork();
  if (owner == 0) {
    vdb *db = open_db(path, 4);
    insert_noise(db, 1, 25, 4);
    if (write(ready[1], &byte, 1) == 1) pause();
    _exit(1);
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  for (int i = 0; i < 3; i++) check_locked(path, owner);
  kill(owner, SIGKILL);
  waitpid(owner, NULL, 0);
  vdb *db = open_db(path, 4);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(25, count);
  check_locked(path, getpid());
  CHECK_OK(vdb_close(db, &error));
  close(ready[0]), close(ready[1]);
}

static void a_closed_handle_is_closed_for_every_function(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  insert_noise(db, 1, 3, 2);
  CHECK_OK(vdb_close(db, &error));
  const vdb *handles[] = {db, (vdb *)&error, (vdb *)8, (vdb *)UINTPTR_MAX, (vdb *)((uintptr_t)db ^ 1)};
  for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
    vdb *gone = (vdb *)handles[i];
    uint64_t ids[2] = {1, 2}, value = 77;
    float vectors[4] = {0}, distances[2];
    uint8_t found[2];
    double ratio;
    size_t len;
    uint32_t source;
    vdb_cursor *cursor = (vdb_cursor *)gone;
    vdb_stats_t stats = {.struct_size = sizeof stats};
    vdb_latency_t latency = {.struct_size = sizeof latency};
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_close(gone, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_option_get_u64(gone, VDB_OPT_DIM, &value, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_option_get_f64(gone, VDB_OPT_COMPACT_RATIO, &ratio, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_insert_batch(gone, ids, vectors, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_upsert_batch(gone, ids, vectors, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_delete_batch(gone, ids, 2, &value, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_get_batch(gone, ids, 2, 2, VDB_SCALAR_F32, vectors, 0, found, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_count(gone, NULL, &value, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_search(gone, vectors, 1, 2, 0, 2, NULL, ids, distances, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_search_exact(gone, vectors, 1, 2, 0, 2, NULL, ids, distances, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_search_ids(gone, ids, 2, 1, NULL, ids, distances, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_recommend(gone, ids, 2, NULL, 0, 1, NULL, ids, distances, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED,
                 vdb_search_diverse(gone, vectors, 2, 1, 0, 0.5f, NULL, ids, distances, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_search_many((const vdb *const *)&gone, 1, vectors, 1, 2, 0, 1, NULL, ids,
                                                 distances, &source, NULL, &error));
    CHECK_U64(0, error.item);
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_search(gone, vectors, 2, NULL, &cursor, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_scan(gone, NULL, &cursor, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_scan_at(gone, NULL, NULL, &cursor, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_next((vdb_cursor *)gone, 1, ids, distances, &len, &error));
    vdb_cursor_free((vdb_cursor *)gone);
    CHECK(cursor == NULL);
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_sync(gone, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_checkpoint(gone, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_wait_indexed(gone, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_check(gone, VDB_CHECK_CHECKSUMS, NULL, 0, &len, NULL, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_refresh(gone, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_stats_get(gone, &stats, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_explain(gone, vectors, 2, 1, NULL, NULL, 0, &len, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_columns_get(gone, NULL, 0, &len, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_option_get_text(gone, VDB_OPT_DIM, NULL, 0, &len, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_cache_clear(gone, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_log_read(gone, NULL, 0, &len, &error));
    CHECK_STATUS(VDB_ERR_CLOSED, vdb_latency_get(gone, VDB_CALL_GET, &latency, &error));
    CHECK_U64(77, value);
  }
  CHECK_OK(vdb_close(NULL, &error));
}

/* A handle of one kind where another is expected: only a cast gets a caller there. */
static void handles_of_the_wrong_kind(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_options *options = NULL;
  vdb_task *task = NULL;
  uint64_t count;
  CHECK_OK(vdb_options_new(&options, &error));
  CHECK_OK(vdb_task_new(&task, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_count((vdb *)options, NULL, &count, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_close((vdb *)task, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_options_set_u64((vdb_options *)task, VDB_OPT_DIM, 3, &error));
  vdb_options_free((vdb_options *)task);
  vdb_task_free((vdb_task *)options);
  CHECK_OK(vdb_options_set_u64(options, VDB_OPT_DIM, 3, &error));
  CHECK_OK(vdb_task_cancel(task));
  vdb_options_free(options);
  vdb_task_free(task);
}

static void many_databases_at_once(void) {
  enum { COUNT = 100 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *all[COUNT];
  for (int i = 0; i < COUNT; i++) {
    all[i] = open_db(NULL, 2);
    insert_noise(all[i], 1, (size_t)i, 2);
  }
  for (int i = 0; i < COUNT; i += 2) CHECK_OK(vdb_close(all[i], &error));
  for (int i = 0; i < COUNT; i++) {
    uint64_t count = 0;
    CHECK_STATUS(i % 2 == 0 ? VDB_ERR_CLOSED : VDB_OK, vdb_count(all[i], NULL, &count, &error));
    CHECK_U64(i % 2 == 0 ? 0 : i, count);
  }
  for (int i = 1; i < COUNT; i += 2) CHECK_OK(vdb_close(all[i], &error));
}

static void statistics_grow_at_the_end(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 4);
  insert_noise(db, 1, 20, 4);
  vdb_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  CHECK(stats.struct_size == sizeof stats && stats.dim == 4);
  CHECK_U64(20, stats.live);
  /* A caller with an older header gets the fields it knows. */
  vdb_stats_t older = {.struct_size = 16, .deleted = 77};
  CHECK_OK(vdb_stats_get(db, &older, &error));
  CHECK(older.live == 20 && older.deleted == 77);
  /* A caller with a newer one gets zeros for the rest. */
  struct { vdb_stats_t known; uint64_t newer[3]; } newer = {.known = {.struct_size = sizeof newer}, .newer = {7, 7, 7}};
  CHECK_OK(vdb_stats_get(db, &newer.known, &error));
  CHECK(newer.known.live == 20 && newer.newer[0] == 0 && newer.newer[2] == 0);
  stats.struct_size = 0;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_stats_get(db, &stats, &error));
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(open) = {
    TEST(memory_comes_and_goes),
    TEST(a_directory_keeps_rows_and_schema),
    TEST(a_profile_chooses_the_numbers_of_the_graph),
    TEST(what_cannot_be_opened),
    TEST(a_path_means_what_it_meant_when_it_was_opened),
    TEST(the_standard_streams_are_not_the_librarys),
    TEST(one_writer_at_a_time),
    TEST(the_lock_ends_with_its_process),
    TEST(a_closed_handle_is_closed_for_every_function),
    TEST(handles_of_the_wrong_kind),
    TEST(many_databases_at_once),
    TEST(statistics_grow_at_the_end),
    END_OF_TESTS,
};
