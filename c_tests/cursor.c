/* Cursors: every row once, in order, in pages of any size; what is written and closed meanwhile changes nothing. */
#include "harness.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

enum { DIM = 8, ROWS = 3000 };

/* Goes through a cursor by pages of `cap`; the rows come in order and are counted in `seen`, by id. */
static size_t go_through(vdb_cursor *cursor, size_t cap, unsigned char *seen, bool by_id) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[256], last_id = 0;
  float distances[256], last = -INFINITY;
  size_t total = 0, count = 77;
  vdb_status_t status;
  while ((status = vdb_cursor_next(cursor, cap, ids, distances, &count, &error)) == VDB_OK) {
    CHECK(count > 0 && count <= cap);
    for (size_t i = 0; i < cap; i++) {
      CHECK((ids[i] == VDB_ID_NONE) == (i >= count) && (distances[i] == INFINITY) == (i >= count));
      if (i >= count) continue;
      CHECK(by_id ? distances[i] == 0 : distances[i] > last || (distances[i] == last && ids[i] > last_id));
      CHECK(!by_id || total == 0 || ids[i] > last_id);
      last = distances[i], last_id = ids[i];
      seen[ids[i]]++;
      total++;
    }
  }
  CHECK_STATUS(VDB_DONE, status);
  CHECK_U64(0, count);
  CHECK_STATUS(VDB_DONE, vdb_cursor_next(cursor, cap, ids, NULL, &count, &error));
  return total;
}

static void every_row_comes_once_and_in_order(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, DIM, (const char *const[]){"index.graph_min_rows", "500", NULL});
  vdb_search_params_t params = {.struct_size = sizeof params, .flags = VDB_SEARCH_EXACT};
  uint64_t named[500];
  vdb_filter *filter = NULL;
  vdb_cursor *cursor = NULL;
  float query[DIM];
  insert_noise(db, 1, ROWS, DIM);
  REQUIRE_OK(vdb_wait_indexed(db, NULL, &error));
  fill_noise(query, DIM, 77);
  for (size_t i = 0; i < 500; i++) named[i] = 5 * i + 1;
  REQUIRE_OK(vdb_filter_ids(named, 500, 0, &filter, &error));
  for (int filtered = 0; filtered <= 1; filtered++) {
    static unsigned char seen[3][ROWS + 1];
    size_t expected = ROWS - (filtered ? 500 : 0);
    memset(seen, 0, sizeof seen);
    params.filter = filtered ? filter : NULL;
    REQUIRE_OK(vdb_cursor_search(db, query, DIM, &params, &cursor, &error));
    CHECK_U64(expected, go_through(cursor, 250, seen[0], false));
    vdb_cursor_free(cursor);
    REQUIRE_OK(vdb_cursor_scan(db, params.filter, &cursor, &error));
    CHECK_U64(expected, go_through(cursor, 97, seen[1], true));
    vdb_cursor_free(cursor);
    for (size_t id = 1; id <= ROWS; id++) {
      CHECK(seen[0][id] == seen[1][id] && seen[0][id] == (filtered && id % 5 == 1 && id <= 2500 ? 0 : 1));
    }
    /* By the graph: rows that it missed come last, and every row still comes once. */
    vdb_search_params_t walked = {.struct_size = sizeof walked, .filter = params.filter, .ef = 100};
    uint64_t ids[64];
    size_t total = 0, count = 0;
    vdb_status_t status;
    REQUIRE_OK(vdb_cursor_search(db, query, DIM, &walked, &cursor, &error));
    while ((status = vdb_cursor_next(cursor, 64, ids, NULL, &count, &error)) == VDB_OK) {
      for (size_t i = 0; i < count; i++) seen[2][ids[i]]++;
      total += count;
    }
    CHECK_STATUS(VDB_DONE, status);
    CHECK_U64(expected, total);
    CHECK(memcmp(seen[0], seen[2], sizeof seen[0]) == 0);
    vdb_cursor_free(cursor);
  }
  vdb_filter_free(filter);
  CHECK_OK(vdb_close(db, &error));
}

/* What happens to the rows, the filter, the task and the database does not reach a cursor. */
static void a_cursor_outlives_everything(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("cursor");
  vdb *db = open_db(path, DIM), *again = NULL;
  vdb_search_params_t params = {.struct_size = sizeof params, .flags = VDB_SEARCH_EXACT};
  vdb_filter *filter = NULL;
  vdb_cursor *near = NULL, *by_id = NULL;
  static uint64_t gone[ROWS];
  static unsigned char seen[2][ROWS + 1];
  float query[DIM];
  uint64_t deleted = 0, id = 0;
  size_t count = 0;
  memset(seen, 0, sizeof seen);
  insert_noise(db, 1, ROWS, DIM);
  fill_noise(query, DIM, 77);
  for (uint64_t i = 0; i < ROWS; i++) gone[i] = i + 1;
  REQUIRE_OK(vdb_filter_ids(gone, ROWS / 2, 1, &filter, &error));
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  params.filter = filter;
  REQUIRE_OK(vdb_cursor_search(db, query, DIM, &params, &near, &error));
  REQUIRE_OK(vdb_cursor_scan(db, filter, &by_id, &error));
  vdb_filter_free(filter);
  vdb_task_free(params.task);
  CHECK_OK(vdb_cursor_next(near, 1, &id, NULL, &count, &error));
  seen[0][id]++;
  CHECK_OK(vdb_delete_batch(db, gone, ROWS, &deleted, &error));
  insert_noise(db, 1, 10, DIM);
  CHECK_OK(vdb_close(db, &error));
  /* The directory is free for the next writer. */
  REQUIRE_OK(vdb_open(path, NULL, &again, &error));
  CHECK_OK(vdb_delete_batch(again, gone, ROWS, &deleted, &error));
  CHECK_U64(10, deleted);
  CHECK_U64(ROWS / 2 - 1, go_through(near, 256, seen[0], false));
  CHECK_U64(ROWS / 2, go_through(by_id, 1, seen[1], true));
  for (size_t i = 1; i <= ROWS; i++) CHECK(seen[0][i] == seen[1][i] && seen[0][i] == (i <= ROWS / 2));
  vdb_cursor_free(near);
  vdb_cursor_free(near);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_next(near, 1, &id, NULL, &count, &error));
  vdb_cursor_free(by_id);
  CHECK_OK(vdb_close(again, &error));
}

static atomic_uchar shared_seen[ROWS + 1];

static void *take_turns(void *argument) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[7];
  size_t count = 0;
  vdb_status_t status;
  while ((status = vdb_cursor_next(argument, 7, ids, NULL, &count, &error)) == VDB_OK) {
    for (size_t i = 0; i < count; i++) atomic_fetch_add(&shared_seen[ids[i]], 1);
  }
  CHECK_STATUS(VDB_DONE, status);
  return NULL;
}

/* Threads with one cursor get different pages, and together all rows. */
static void threads_take_turns(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  vdb_cursor *cursor = NULL;
  pthread_t threads[4];
  float query[DIM];
  insert_noise(db, 1, ROWS, DIM);
  fill_noise(query, DIM, 77);
  REQUIRE_OK(vdb_cursor_search(db, query, DIM, NULL, &cursor, &error));
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, take_turns, cursor) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  for (int id = 1; id <= ROWS; id++) CHECK_U64(1, atomic_load(&shared_seen[id]));
  vdb_cursor_free(cursor);
  CHECK_OK(vdb_close(db, &error));
}

static void limits_on_time_end_a_page(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  vdb_search_params_t params = {.struct_size = sizeof params};
  vdb_cursor *cursor = NULL;
  static uint64_t ids[ROWS];
  float query[DIM];
  size_t count = 77, total = 10;
  vdb_status_t status = VDB_OK;
  insert_noise(db, 1, ROWS, DIM);
  fill_noise(query, DIM, 77);
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  REQUIRE_OK(vdb_cursor_search(db, query, DIM, &params, &cursor, &error));
  CHECK_OK(vdb_cursor_next(cursor, 10, ids, NULL, &count, &error));
  CHECK_U64(10, count);
  CHECK_OK(vdb_task_cancel(params.task));
  /* What was found is given out first. */
  while ((status = vdb_cursor_next(cursor, 100, ids, NULL, &count, &error)) == VDB_OK) total += count;
  CHECK_STATUS(VDB_PARTIAL, status);
  CHECK(total + count < ROWS);
  CHECK_STATUS(VDB_PARTIAL, vdb_cursor_next(cursor, 10, ids, NULL, &count, &error));
  CHECK_U64(0, count);
  CHECK(ids[0] == VDB_ID_NONE);
  vdb_cursor_free(cursor);
  vdb_task_free(params.task);
  /* No more than some pages can be had in a microsecond, and none is broken. */
  params = (vdb_search_params_t){.struct_size = sizeof params, .flags = VDB_SEARCH_EXACT, .deadline_us = 1};
  REQUIRE_OK(vdb_cursor_search(db, query, DIM, &params, &cursor, &error));
  for (int i = 0; i < 3; i++) {
    status = vdb_cursor_next(cursor, ROWS, ids, NULL, &count, &error);
    CHECK(status == VDB_PARTIAL || status == VDB_OK);
  }
  vdb_cursor_free(cursor);
  CHECK_OK(vdb_close(db, &error));
}

/* A scan of a snapshot has the rows of its moment, with a filter or without, and needs the snapshot no longer than it is made. */
static void scans_look_at_the_snapshot(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM), *other = open_db(NULL, DIM);
  vdb_snapshot *snapshot = NULL;
  vdb_filter *filter = NULL;
  vdb_cursor *then[2] = {NULL, NULL}, *now = NULL;
  uint64_t gone[100], deleted = 0;
  static unsigned char seen[3][ROWS + 1];
  insert_noise(db, 1, 200, DIM);
  REQUIRE_OK(vdb_snapshot_new(db, &snapshot, &error));
  for (uint64_t i = 0; i < 100; i++) gone[i] = 2 * i + 1;
  CHECK_OK(vdb_delete_batch(db, gone, 100, &deleted, &error));
  insert_noise(db, 1001, 50, DIM);
  REQUIRE_OK(vdb_filter_ids(gone, 100, 1, &filter, &error));
  REQUIRE_OK(vdb_cursor_scan_at(db, snapshot, NULL, &then[0], &error));
  REQUIRE_OK(vdb_cursor_scan_at(db, snapshot, filter, &then[1], &error));
  REQUIRE_OK(vdb_cursor_scan_at(db, NULL, NULL, &now, &error));
  CHECK_STATUS(VDB_ERR_MISMATCH, vdb_cursor_scan_at(other, snapshot, NULL, &(vdb_cursor *){NULL}, &error));
  vdb_snapshot_free(snapshot);
  vdb_cursor *late = then[0];
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_scan_at(db, snapshot, NULL, &late, &error));
  CHECK(late == NULL);
  CHECK_U64(200, go_through(then[0], 33, seen[0], true));
  CHECK_U64(100, go_through(then[1], 7, seen[1], true));
  CHECK_U64(150, go_through(now, 64, seen[2], true));
  for (size_t id = 1; id <= 1050; id++) {
    bool was = id <= 200, odd = id % 2 == 1;
    CHECK(seen[0][id] == was && seen[1][id] == (was && odd) && seen[2][id] == (was ? !odd : id > 1000));
  }
  vdb_cursor_free(then[0]);
  vdb_cursor_free(then[1]);
  vdb_cursor_free(now);
  vdb_filter_free(filter);
  CHECK_OK(vdb_close(other, &error));
  CHECK_OK(vdb_close(db, &error));
}

static void wrong_cursors_are_refused(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  vdb_cursor *cursor = (vdb_cursor *)db;
  vdb_filter *filter = NULL;
  const float query[] = {0, 0}, odd[] = {0, NAN};
  uint64_t ids[4], odd_memory[3];
  size_t count = 77;
  insert_noise(db, 1, 3, 2);
  CHECK_STATUS(VDB_ERR_DIMENSION, vdb_cursor_search(db, query, 3, NULL, &cursor, &error));
  CHECK(cursor == NULL);
  CHECK_STATUS(VDB_ERR_NOT_FINITE, vdb_cursor_search(db, odd, 2, NULL, &cursor, &error));
  params.flags = 0x80000000u;
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_cursor_search(db, query, 2, &params, &cursor, &error));
  params = (vdb_search_params_t){.struct_size = sizeof params, .ef = 100001};
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_cursor_search(db, query, 2, &params, &cursor, &error));
  params = (vdb_search_params_t){.struct_size = sizeof params, .query_scalar = VDB_SCALAR_B1};
  CHECK_STATUS(VDB_ERR_MISMATCH, vdb_cursor_search(db, query, 2, &params, &cursor, &error));
  REQUIRE_OK(vdb_filter_ids(ids, 0, 1, &filter, &error));
  vdb_filter_free(filter);
  params = (vdb_search_params_t){.struct_size = sizeof params, .filter = filter};
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_search(db, query, 2, &params, &cursor, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_scan(db, filter, &cursor, &error));
  /* Handles of another kind. */
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_cursor_next((vdb_cursor *)db, 1, ids, NULL, &count, &error));
  vdb_cursor_free((vdb_cursor *)db);
  REQUIRE_OK(vdb_cursor_search(db, query, 2, NULL, &cursor, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_count((vdb *)cursor, NULL, ids, &error));
  uint64_t *misaligned = (uint64_t *)(void *)((char *)odd_memory + 1);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_cursor_next(cursor, 1, misaligned, NULL, &count, &error));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_cursor_next(cursor, SIZE_MAX / 2, ids, NULL, &count, &error));
  CHECK_U64(77, count);
  CHECK_OK(vdb_cursor_next(cursor, 0, NULL, NULL, &count, &error));
  CHECK_U64(0, count);
  CHECK_OK(vdb_cursor_next(cursor, 4, ids, NULL, &count, &error));
  CHECK(count == 3 && ids[2] != VDB_ID_NONE && ids[3] == VDB_ID_NONE);
  vdb_cursor_free(cursor);
  CHECK_OK(vdb_close(db, &error));
}

/* A cursor of more rows than there is memory to hold goes on all the same; a filter's answer must fit. */
static void cursors_keep_to_the_limit_on_memory(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db_with(NULL, 1, (const char *const[]){"runtime.max_memory", "16777216", "index.graph_min_rows",
                                                        "4294967295", NULL});
  vdb_search_params_t params = {.struct_size = sizeof params, .flags = VDB_SEARCH_EXACT};
  vdb_stats_t stats = {.struct_size = sizeof stats};
  const size_t rows = quick() ? 20000 : 120000;
  vdb_cursor *cursors[10];
  static uint64_t ids[20000];
  const float query[] = {0};
  size_t totals[10] = {0}, count = 0;
  for (size_t first = 0; first < rows; first += 20000) insert_noise(db, first, 20000, 1);
  for (int i = 0; i < 10; i++) REQUIRE_OK(vdb_cursor_search(db, query, 1, &params, &cursors[i], &error));
  for (int open = 10; open > 0;) {
    for (int i = 0; i < 10; i++) {
      vdb_status_t status = vdb_cursor_next(cursors[i], 20000, ids, NULL, &count, &error);
      CHECK(status == VDB_OK || status == VDB_DONE);
      open -= status != VDB_OK && totals[i] <= rows;
      totals[i] += status == VDB_OK ? count : 2 * rows;
      if (status < 0) return;
    }
    CHECK_OK(vdb_stats_get(db, &stats, &error));
    CHECK(stats.bytes_memory <= 16777216);
  }
  for (int i = 0; i < 10; i++) {
    CHECK_U64(rows, totals[i] % (2 * rows));
    vdb_cursor_free(cursors[i]);
  }
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(cursor) = {
    TEST(every_row_comes_once_and_in_order),
    TEST(a_cursor_outlives_everything),
    TEST(threads_take_turns),
    TEST(limits_on_time_end_a_page),
    TEST(scans_look_at_the_snapshot),
    TEST(wrong_cursors_are_refused),
    TEST(cursors_keep_to_the_limit_on_memory),
    END_OF_TESTS,
};
