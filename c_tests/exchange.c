/* Export and import, and writers that wait for the graph. */
#define _GNU_SOURCE
#include "harness.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIM = 6, ROWS = 500 };

static char *at(char *buffer, size_t size, const char *name) {
  snprintf(buffer, size, "%s", temp_path(name));
  return buffer;
}

static bool exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

static void put_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "w");
  if (file == NULL || fwrite(bytes, 1, size, file) != size) fail(__FILE__, __LINE__, "cannot write %s", path);
  if (file != NULL) fclose(file);
}

/* Every row of one is in the other, bit by bit. */
static void equal(vdb *a, vdb *b, uint64_t rows) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t count = 0;
  CHECK_OK(vdb_count(a, NULL, &count, &error));
  CHECK_U64(rows, count);
  CHECK_OK(vdb_count(b, NULL, &count, &error));
  CHECK_U64(rows, count);
  for (uint64_t id = 0; id < 2 * ROWS; id++) {
    float one[DIM] = {0}, two[DIM] = {0};
    uint8_t found[2];
    CHECK_OK(vdb_get_batch(a, &id, 1, DIM, VDB_SCALAR_F32, one, 0, &found[0], &error));
    CHECK_OK(vdb_get_batch(b, &id, 1, DIM, VDB_SCALAR_F32, two, 0, &found[1], &error));
    CHECK(found[0] == found[1] && memcmp(one, two, sizeof one) == 0);
  }
}

static void rows_go_out_and_come_in(void) {
  static const char *const formats[] = {"npy", "jsonl", "fvecs", "fbin"};
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  char path[300];
  insert_noise(db, 7, ROWS, DIM);
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    char name[40];
    vdb *copy = open_db(NULL, DIM);
    vdb_task *task = NULL;
    uint64_t done = 0, total = 0;
    snprintf(name, sizeof name, "x.%s", formats[i]);
    at(path, sizeof path, name);
    CHECK_OK(vdb_task_new(&task, &error));
    CHECK_OK(vdb_export(db, path, i % 2 == 0 ? formats[i] : NULL, NULL, task, &error));
    CHECK_OK(vdb_task_progress(task, &done, &total));
    CHECK(done == ROWS && total == ROWS);
    CHECK_OK(vdb_import(copy, path, i % 2 == 0 ? NULL : formats[i], task, &error));
    equal(db, copy, ROWS);
    CHECK_OK(vdb_import(copy, path, NULL, NULL, &error)); /* once more: the same */
    equal(db, copy, ROWS);
    CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_export(db, path, NULL, NULL, NULL, &error));
    vdb_task_free(task);
    CHECK_OK(vdb_close(copy, &error));
  }
  /* Some of them, by a filter. */
  uint64_t ids[3] = {8, 9, 1};
  vdb_filter *filter = NULL;
  vdb *few = open_db(NULL, DIM);
  uint64_t count = 0;
  REQUIRE_OK(vdb_filter_ids(ids, 3, 1, &filter, &error));
  CHECK_OK(vdb_export(db, at(path, sizeof path, "few.jsonl"), NULL, filter, NULL, &error));
  CHECK_OK(vdb_import(few, path, NULL, NULL, &error));
  CHECK_OK(vdb_count(few, NULL, &count, &error));
  CHECK_U64(2, count);
  vdb_filter_free(filter);
  CHECK_OK(vdb_close(few, &error));
  CHECK_OK(vdb_close(db, &error));
}

static int stop_at_once(void *user, uint64_t done, uint64_t total) {
  (void)user, (void)done, (void)total;
  return 0;
}

static void refused(vdb *db, const char *name, const void *bytes, size_t size, vdb_status_t expected, const char *said) {
  vdb_error_t error = VDB_ERROR_INIT;
  char path[300];
  uint64_t count = 77;
  put_file(at(path, sizeof path, name), bytes, size);
  CHECK_STATUS(expected, vdb_import(db, path, NULL, NULL, &error));
  if (strstr(error.message, said) == NULL) fail(__FILE__, __LINE__, "no \"%s\" in: %s", said, error.message);
  CHECK_OK(vdb_count(db, NULL, &count, &error));
  CHECK_U64(0, count);
}

static void files_that_are_none_change_nothing(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2), *bits = open_db_with(NULL, 2, (const char *const[]){"schema.scalar", "b1", "schema.metric", "hamming", NULL});
  char path[300];
#define TEXT(text) text, sizeof text - 1
  refused(db, "a.jsonl", TEXT("{\"vector\":[1,2]}\n{\"vector\":[1]}\n"), VDB_ERR_DIMENSION, "line 2");
  refused(db, "b.jsonl", TEXT("{\"vector\":[1,2]}\n{\"vector\":[1,2\n"), VDB_ERR_INVALID_ARGUMENT, "line 2");
  refused(db, "c.jsonl", TEXT("{\"vector\":[1,1e39]}"), VDB_ERR_NOT_FINITE, "line 1");
  refused(db, "d.jsonl", TEXT("{\"vector\":[1,1e25]}"), VDB_ERR_OUT_OF_RANGE, "line 1");
  refused(db, "e.fbin", TEXT("\2\0\0\0\2\0\0\0" "aaaabbbb"), VDB_ERR_INVALID_ARGUMENT, "16 bytes long");
  refused(db, "f.fvecs", TEXT("\2\0\0\0" "aaaabbbb" "\3\0\0\0" "aaaabbbb"), VDB_ERR_INVALID_ARGUMENT, "row 1 (byte 12)");
  refused(db, "g.npy", TEXT("no array"), VDB_ERR_INVALID_ARGUMENT, "byte 0");
  refused(bits, "h.bvecs", TEXT("\2\0\0\0\1\1"), VDB_ERR_MISMATCH, "vectors of bits");
#undef TEXT
  size_t long_line = (32u << 20) + 4096;
  char *line = malloc(long_line);
  REQUIRE(line != NULL);
  memset(line, ' ', long_line);
  refused(db, "i.jsonl", line, long_line, VDB_ERR_LIMIT, "line 1");
  free(line);
  put_file(at(path, sizeof path, "j.txt"), "", 0);
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_import(db, path, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_import(db, path, "parquet", NULL, &error));
  CHECK(strstr(error.message, "jsonl") != NULL); /* those that are known */
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_import(db, path, "\xff", NULL, &error));
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_import(db, temp_path("none.npy"), NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_import(db, NULL, "npy", NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_import(NULL, path, "npy", NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_import(db, "", "npy", NULL, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_import(db, path, "jsonl", (vdb_task *)db, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_export(bits, temp_path("k.fvecs"), NULL, NULL, NULL, &error));
  CHECK_OK(vdb_close(bits, &error));
  CHECK_OK(vdb_close(db, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_import(db, path, "jsonl", NULL, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_export(db, path, "jsonl", NULL, NULL, &error));
}

static void what_cannot_go_out_leaves_no_file(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  char path[300], ids[300], temporary[300];
  vdb_task *task = NULL;
  insert_noise(db, 0, 100, DIM);
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK_OK(vdb_task_on_progress(task, stop_at_once, NULL, &error));
  at(path, sizeof path, "out.bvecs");
  at(ids, sizeof ids, "out.bvecs.ids.npy");
  at(temporary, sizeof temporary, "out.bvecs.unfinished");
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_export(db, path, NULL, NULL, NULL, &error)); /* no whole numbers */
  CHECK(error.item == 0);
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_export(db, path, "fvecs", NULL, task, &error));
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_export(db, "/no/such/directory/x", "npy", NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_export(db, path, "csv", NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_export(db, "", "npy", NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_export(db, NULL, "npy", NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, vdb_export(NULL, path, "npy", NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_export(db, path, "npy", (const vdb_filter *)db, NULL, &error));
  CHECK(!exists(path) && !exists(ids) && !exists(temporary));
  if (exists("/dev/full")) {
    CHECK_STATUS(VDB_ERR_ALREADY_EXISTS, vdb_export(db, "/dev/full", "jsonl", NULL, NULL, &error));
  }
  vdb_task_free(task);
  CHECK_OK(vdb_close(db, &error));
}

static void who_only_reads_does_not_import(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  char path[300], file[300];
  vdb *db = open_db(at(path, sizeof path, "read"), DIM);
  insert_noise(db, 0, 10, DIM);
  CHECK_OK(vdb_close(db, &error));
  db = open_db_with(path, DIM, (const char *const[]){"storage.read_only", "on", NULL});
  CHECK_OK(vdb_export(db, at(file, sizeof file, "read.npy"), NULL, NULL, NULL, &error));
  CHECK_STATUS(VDB_ERR_READ_ONLY, vdb_import(db, file, NULL, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* A graph that is slow to build, and rows faster than it. */
static void writers_can_wait_for_the_graph_or_be_told(void) {
  enum { WIDE = 64, BATCH = 500 };
  vdb_error_t error = VDB_ERROR_INIT;
  size_t batches = quick() ? 5 : 12;
  for (int busy = 0; busy < 2; busy++) {
    vdb *db = open_db_with(NULL, WIDE, (const char *const[]){"index.graph_min_rows", "500", "hnsw.ef_construction", "800",
                           "storage.max_unindexed", "600", "storage.when_behind", busy ? "busy" : "block",
                           "runtime.threads", "1", NULL});
    static float rows[BATCH * WIDE];
    uint64_t ids[BATCH], refusals = 0, value = 0;
    CHECK_OK(vdb_option_get_u64(db, VDB_OPT_MAX_UNINDEXED, &value, &error));
    CHECK_U64(600, value);
    CHECK_OK(vdb_option_get_u64(db, VDB_OPT_WHEN_BEHIND, &value, &error));
    CHECK_U64(busy ? VDB_WHEN_BEHIND_BUSY : VDB_WHEN_BEHIND_BLOCK, value);
    fill_noise(rows, BATCH * WIDE, 1);
    for (size_t batch = 0; batch < batches;) {
      for (size_t i = 0; i < BATCH; i++) ids[i] = batch * BATCH + i;
      vdb_status_t status = vdb_insert_batch(db, ids, rows, BATCH, WIDE, 0, VDB_SCALAR_F32, NULL, &error);
      if (status == VDB_ERR_BUSY) {
        CHECK_STATUS(VDB_ERR_BUSY, status);
        CHECK(strstr(error.message, "storage.max_unindexed = 600") != NULL);
        refusals++;
        usleep(2000);
        continue;
      }
      CHECK_STATUS(VDB_OK, status);
      batch++;
      vdb_stats_t stats = {.struct_size = sizeof stats};
      CHECK_OK(vdb_stats_get(db, &stats, &error));
      /* What the next step leaves for later, the limit, and this batch. */
      CHECK(stats.live == batch * BATCH && stats.unindexed <= 1024 + 600 + BATCH);
    }
    CHECK(busy ? refusals > 0 : refusals == 0);
    CHECK_OK(vdb_close(db, &error));
  }
}

TEST_TABLE(exchange) = {
    TEST(rows_go_out_and_come_in),
    TEST(files_that_are_none_change_nothing),
    TEST(what_cannot_go_out_leaves_no_file),
    TEST(who_only_reads_does_not_import),
    TEST(writers_can_wait_for_the_graph_or_be_told),
    END_OF_TESTS,
};
