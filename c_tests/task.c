/* Tasks: cancel, progress, deadlines, and what a progress function may do. */
#include "harness.h"

enum { DIM = 8 };

typedef struct watch {
  vdb *db;
  vdb_task *task;
  int calls;
  int stop_after;
} watch;

static int keep_going(void *user, uint64_t done, uint64_t total) {
  watch *w = user;
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t count, d, t;
  float vector[DIM] = {0};
  uint64_t id = 1;
  w->calls++;
  CHECK(done <= total);
  /* Whatever would wait for the call it is in is refused. */
  CHECK_STATUS(VDB_ERR_BUSY, vdb_count(w->db, NULL, &count, &error));
  CHECK_STATUS(VDB_ERR_BUSY, vdb_insert_batch(w->db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_BUSY, vdb_close(w->db, &error));
  CHECK_STATUS(VDB_ERR_BUSY, vdb_task_on_progress(w->task, NULL, NULL, &error));
  CHECK_OK(vdb_task_progress(w->task, &d, &t));
  CHECK(d == done && t == total);
  return w->calls < w->stop_after;
}

static void progress_is_told_and_can_cancel(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  watch w = {.db = open_db(NULL, DIM), .stop_after = INT32_MAX};
  uint64_t ids[2] = {1, 2}, done = 77, total = 77, count;
  float vectors[2 * DIM] = {0};
  REQUIRE_OK(vdb_task_new(&w.task, &error));
  CHECK_OK(vdb_task_progress(w.task, &done, &total));
  CHECK(done == 0 && total == 0);
  CHECK_OK(vdb_task_on_progress(w.task, keep_going, &w, &error));
  CHECK_OK(vdb_insert_batch(w.db, ids, vectors, 2, DIM, 0, VDB_SCALAR_F32, w.task, &error));
  CHECK(w.calls > 0);
  CHECK_OK(vdb_task_progress(w.task, &done, &total));
  CHECK(done == 2 && total == 2);

  w.calls = 0, w.stop_after = 1;
  ids[0] = 3, ids[1] = 4;
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_insert_batch(w.db, ids, vectors, 2, DIM, 0, VDB_SCALAR_F32, w.task, &error));
  CHECK_OK(vdb_count(w.db, NULL, &count, &error));
  CHECK_U64(2, count);
  vdb_task_free(w.task);
  CHECK_OK(vdb_close(w.db, &error));
}

static void a_cancelled_task_stops_everything_it_is_given_to(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(temp_path("db"), DIM);
  vdb_task *task = NULL;
  insert_noise(db, 1, 5000, DIM);
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK_OK(vdb_task_cancel(task));
  uint64_t id = 90000, near[3];
  float vector[DIM] = {0}, distances[3];
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_upsert_batch(db, &id, vector, 1, DIM, 0, VDB_SCALAR_F32, task, &error));
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_checkpoint(db, task, &error));
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  params.task = task;
  CHECK_STATUS(VDB_PARTIAL, vdb_search(db, vector, 1, DIM, 0, 3, &params, near, distances, NULL, &error));
  vdb_task_free(task);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_search(db, vector, 1, DIM, 0, 3, &params, near, distances, NULL, &error));
  CHECK_OK(vdb_checkpoint(db, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* A bar that shows progress is full at the end. */
static void what_ended_well_is_done_in_full(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(temp_path("full"), DIM);
  vdb_task *task = NULL;
  uint64_t done = 0, total = 0;
  double recall = 0;
  insert_noise(db, 1, 300, DIM);
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK_OK(vdb_wait_indexed(db, task, &error));
  CHECK_OK(vdb_task_progress(task, &done, &total));
  CHECK(done == 300 && total == 300);
  CHECK_OK(vdb_checkpoint(db, task, &error));
  CHECK_OK(vdb_task_progress(task, &done, &total));
  CHECK(done == total && total > 300);
  CHECK_OK(vdb_measure_recall(db, NULL, 20, DIM, 0, 5, NULL, &recall, NULL, NULL, task, &error));
  CHECK_OK(vdb_task_progress(task, &done, &total));
  CHECK(done == 20 && total == 20);
  vdb_task_free(task);
  CHECK_OK(vdb_close(db, &error));
}

/* A search that runs out of time returns what it has: real rows with their real distances. */
static void a_deadline_gives_partial_results(void) {
  enum { K = 10, QUERIES = 64 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, DIM, (const char *const[]){"index.graph_min_rows", "4294967295", NULL});
  static float queries[QUERIES * DIM], distances[QUERIES * K];
  static uint64_t ids[QUERIES * K];
  uint32_t counts[QUERIES];
  insert_noise(db, 1, 20000, DIM);
  fill_noise(queries, QUERIES * DIM, 4);
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  params.deadline_us = 1;
  CHECK_STATUS(VDB_PARTIAL, vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, counts, &error));
  for (int q = 0; q < QUERIES; q++) {
    CHECK(counts[q] <= K);
    for (uint32_t i = 0; i < K; i++) CHECK((ids[q * K + i] == VDB_ID_NONE) == (i >= counts[q]));
  }
  params.deadline_us = UINT64_MAX;
  CHECK_OK(vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, counts, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* Walks too short to be asked on their way: what counts is the call of many queries. */
static void many_short_searches_can_be_stopped(void) {
  enum { K = 3, QUERIES = 40 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, DIM, (const char *const[]){"index.graph_min_rows", "500", NULL});
  static float queries[QUERIES * DIM], distances[QUERIES * K];
  static uint64_t ids[QUERIES * K];
  uint32_t counts[QUERIES];
  insert_noise(db, 1, 1000, DIM);
  REQUIRE_OK(vdb_wait_indexed(db, NULL, &error));
  fill_noise(queries, QUERIES * DIM, 4);
  vdb_search_params_t params = {.struct_size = sizeof params, .ef = K};
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  CHECK_OK(vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, counts, &error));
  CHECK_OK(vdb_task_cancel(params.task));
  CHECK_STATUS(VDB_PARTIAL, vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, counts, &error));
  for (int q = 0; q < QUERIES; q++) CHECK(counts[q] == 0 && ids[q * K] == VDB_ID_NONE);
  vdb_task_free(params.task);
  CHECK_OK(vdb_close(db, &error));
}

static void a_freed_task_is_closed(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_task *task = NULL;
  uint64_t done = 77, total = 77;
  CHECK_OK(vdb_task_new(&task, &error));
  vdb_task_free(task);
  vdb_task_free(task);
  vdb_task_free(NULL);
  CHECK(vdb_task_cancel(task) == VDB_ERR_CLOSED);
  CHECK(vdb_task_progress(task, &done, &total) == VDB_ERR_CLOSED && done == 77);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_task_on_progress(task, keep_going, NULL, &error));
}

TEST_TABLE(task) = {
    TEST(progress_is_told_and_can_cancel),
    TEST(a_cancelled_task_stops_everything_it_is_given_to),
    TEST(what_ended_well_is_done_in_full),
    TEST(a_deadline_gives_partial_results),
    TEST(many_short_searches_can_be_stopped),
    TEST(a_freed_task_is_closed),
    END_OF_TESTS,
};
