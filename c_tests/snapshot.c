/* Snapshots: one state for many calls, beside writers, closed databases and each other. */
#include "harness.h"

#include <pthread.h>

enum { DIM = 8, K = 10, ROWS = 3000 };

static vdb_snapshot *snapshot_of(const vdb *db) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_snapshot *snapshot = NULL;
  CHECK_OK(vdb_snapshot_new(db, &snapshot, &error));
  CHECK(snapshot != NULL);
  return snapshot;
}

typedef struct answer { uint64_t ids[K]; float distances[K]; } answer;

static answer ask(vdb *db, const vdb_snapshot *snapshot, uint32_t flags) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  answer got = {{0}, {0}};
  float query[DIM];
  fill_noise(query, DIM, 4711);
  params.snapshot = snapshot;
  params.flags = flags;
  CHECK_OK(vdb_search(db, query, 1, DIM, 0, K, &params, got.ids, got.distances, NULL, &error));
  return got;
}

static bool same(answer a, answer b) { return memcmp(&a, &b, sizeof a) == 0; }

static uint64_t count_at(vdb *db, const vdb_snapshot *snapshot, const vdb_filter *filter) {
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t count = 0;
  CHECK_OK(vdb_count_at(db, snapshot, filter, &count, &error));
  return count;
}

typedef struct writing { vdb *db; size_t rows; } writing;

static void *write_on(void *argument) {
  writing *w = argument;
  vdb_error_t error = VDB_ERROR_INIT;
  uint64_t ids[100];
  for (uint64_t from = 0; from < w->rows; from += 100) {
    for (uint64_t i = 0; i < 100; i++) ids[i] = from + i;
    CHECK_OK(vdb_delete_batch(w->db, ids, 100, NULL, &error));
    insert_noise(w->db, w->rows + from, 100, DIM);
    if (from % 500 == 0) CHECK_OK(vdb_checkpoint(w->db, NULL, &error));
  }
  return NULL;
}

static void answers_stay_while_everything_changes(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  size_t rows = quick() ? 600 : ROWS;
  vdb *db = open_db_with(temp_path("changing"), DIM, (const char *const[]){"index.graph_min_rows", "500", NULL});
  insert_noise(db, 0, rows, DIM);
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  vdb_snapshot *snapshot = snapshot_of(db);
  answer before = ask(db, snapshot, 0), exact = ask(db, snapshot, VDB_SEARCH_EXACT);
  CHECK(same(before, ask(db, NULL, 0)));
  pthread_t writer;
  writing w = {db, rows};
  pthread_create(&writer, NULL, write_on, &w);
  for (int i = 0; i < 200; i++) {
    CHECK(same(before, ask(db, snapshot, 0)) && same(exact, ask(db, snapshot, VDB_SEARCH_EXACT)));
  }
  pthread_join(writer, NULL);
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  CHECK(same(before, ask(db, snapshot, 0)) && same(exact, ask(db, snapshot, VDB_SEARCH_EXACT)));
  CHECK(!same(before, ask(db, NULL, 0)));
  CHECK_U64(rows, count_at(db, snapshot, NULL));
  /* Rows that are gone can still be read as they were. */
  uint64_t id = before.ids[0], ids[2] = {before.ids[0], 2 * rows + 7};
  float was[2 * DIM] = {0};
  uint8_t found[2] = {7, 7};
  CHECK_OK(vdb_get_batch_at(db, snapshot, ids, 2, DIM, VDB_SCALAR_F32, was, 0, found, &error));
  CHECK(found[0] == 1 && found[1] == 0);
  CHECK_OK(vdb_get_batch(db, &id, 1, DIM, VDB_SCALAR_F32, was, 0, found, &error));
  CHECK(found[0] == 0);
  CHECK_OK(vdb_get_batch_at(db, NULL, &id, 1, DIM, VDB_SCALAR_F32, was, 0, found, &error));
  CHECK(found[0] == 0);
  /* A range search and a measurement look at it as well. */
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  params.snapshot = snapshot;
  size_t in_range = 0;
  float query[DIM];
  answer nearest;
  fill_noise(query, DIM, 4711);
  CHECK_OK(vdb_search_range(db, query, DIM, exact.distances[3], K, &params, nearest.ids, nearest.distances, &in_range,
                            &error));
  CHECK(in_range >= 1 && nearest.ids[0] == before.ids[0]);
  double recall = 0;
  CHECK_OK(vdb_measure_recall(db, query, 1, DIM, 0, K, &params, &recall, NULL, NULL, NULL, &error));
  CHECK(recall > 0);
  vdb_snapshot_free(snapshot);
  CHECK_OK(vdb_close(db, &error));
}

static void filters_and_snapshots_go_together(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  uint64_t ids[4] = {1, 5, 9, 1000};
  vdb_filter *filter = NULL;
  insert_noise(db, 0, 100, DIM);
  vdb_snapshot *snapshot = snapshot_of(db);
  REQUIRE_OK(vdb_filter_ids(ids, 4, 1, &filter, &error));
  CHECK_OK(vdb_delete_batch(db, ids, 2, NULL, &error));
  insert_noise(db, 1000, 1, DIM);
  for (int turn = 0; turn < 3; turn++) {
    CHECK_U64(3, count_at(db, snapshot, filter));
    CHECK_U64(2, count_at(db, NULL, filter));
  }
  vdb_filter_free(filter);
  vdb_snapshot_free(snapshot);
  CHECK_OK(vdb_close(db, &error));
}

static void keys_and_metadata_stay_too(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  const char *keys = "onetwo", *meta = "{\"n\":1}{\"n\":2}";
  const uint64_t key_ends[] = {0, 3, 6}, meta_ends[] = {0, 7, 14}, none[] = {0, 0, 0};
  uint64_t ids[2] = {1, 2}, found[2] = {0, 0}, offsets[3];
  float rows[2 * DIM] = {0};
  char text[64];
  size_t len = 0;
  REQUIRE_OK(vdb_insert_records(db, ids, keys, key_ends, rows, 2, DIM, 0, VDB_SCALAR_F32, meta, meta_ends, NULL, &error));
  vdb_snapshot *snapshot = snapshot_of(db);
  vdb_filter *filter = NULL;
  REQUIRE_OK(vdb_filter_parse("n = 2", 5, &filter, &error));
  CHECK_OK(vdb_upsert_records(db, ids, "abcdef", key_ends, rows, 2, DIM, 0, VDB_SCALAR_F32, "", none, NULL, &error));
  CHECK_OK(vdb_ids_of_keys_at(db, snapshot, keys, key_ends, 2, found, &error));
  CHECK(found[0] == 1 && found[1] == 2);
  CHECK_OK(vdb_ids_of_keys_at(db, NULL, keys, key_ends, 2, found, &error));
  CHECK(found[0] == VDB_ID_NONE && found[1] == VDB_ID_NONE);
  CHECK_OK(vdb_keys_of_ids_at(db, snapshot, ids, 2, text, sizeof text, offsets, &len, &error));
  CHECK(len == 6 && offsets[1] == 3 && memcmp(text, keys, 6) == 0);
  CHECK_OK(vdb_get_meta_at(db, snapshot, ids, 2, text, sizeof text, offsets, &len, &error));
  CHECK(len == 14 && memcmp(text, meta, 14) == 0);
  CHECK_OK(vdb_get_meta_at(db, NULL, ids, 2, NULL, 0, offsets, &len, &error));
  CHECK(len == 0);
  CHECK_STATUS(VDB_ERR_BUFFER_TOO_SMALL, vdb_get_meta_at(db, snapshot, ids, 2, text, 3, offsets, &len, &error));
  CHECK_U64(1, count_at(db, snapshot, filter));
  CHECK_U64(0, count_at(db, NULL, filter));
  vdb_filter_free(filter);
  vdb_snapshot_free(snapshot);
  CHECK_OK(vdb_close(db, &error));
}

static void statistics_count_them(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  vdb_stats_t stats = {.struct_size = sizeof stats};
  vdb_snapshot *a = snapshot_of(db), *b = snapshot_of(db);
  CHECK(a != b);
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  CHECK_U64(2, stats.snapshots);
  vdb_snapshot_free(a);
  vdb_snapshot_free(a); /* nothing */
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  CHECK_U64(1, stats.snapshots);
  vdb_snapshot_free(b);
  vdb_snapshot_free(NULL);
  CHECK_OK(vdb_close(db, &error));
}

static void a_snapshot_is_refused_where_it_does_not_belong(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  const char *path = temp_path("owner");
  vdb *db = open_db(path, DIM), *other = open_db(NULL, DIM);
  insert_noise(db, 0, 10, DIM);
  insert_noise(other, 0, 10, DIM);
  vdb_snapshot *snapshot = snapshot_of(db), *freed = snapshot_of(db), *none = (vdb_snapshot *)&error;
  vdb_snapshot_free(freed);
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  float query[DIM] = {0}, distances[K], rows[DIM];
  uint64_t near[K], id = 1, count = 77;
  size_t in_range = 0;
  uint8_t found = 7;
  uint32_t seen = 0, sources[K];
  const uint64_t ends[] = {0, 1};
  uint64_t offsets[2];
  char text[8];
  size_t len = 0;
  vdb_cursor *cursor = NULL;
  static char json[VDB_EXPLAIN_MAX];
  double recall;
  const struct { vdb *db; const vdb_snapshot *snapshot; vdb_status_t expected; } cases[] = {
      {other, snapshot, VDB_ERR_MISMATCH}, {db, freed, VDB_ERR_CLOSED}, {db, (const vdb_snapshot *)db, VDB_ERR_CLOSED},
      {(vdb *)snapshot, snapshot, VDB_ERR_CLOSED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    vdb *on = cases[i].db;
    params.snapshot = cases[i].snapshot;
#define REFUSED(call) CHECK_STATUS(cases[i].expected, call)
    REFUSED(vdb_search(on, query, 1, DIM, 0, K, &params, near, distances, NULL, &error));
    REFUSED(vdb_search_exact(on, query, 1, DIM, 0, K, &params, near, distances, NULL, &error));
    REFUSED(vdb_search_range(on, query, DIM, 1, K, &params, near, distances, &in_range, &error));
    REFUSED(vdb_measure_recall(on, NULL, 1, DIM, 0, K, &params, &recall, NULL, NULL, NULL, &error));
    REFUSED(vdb_count_at(on, params.snapshot, NULL, &count, &error));
    REFUSED(vdb_get_batch_at(on, params.snapshot, &id, 1, DIM, VDB_SCALAR_F32, rows, 0, &found, &error));
    REFUSED(vdb_ids_of_keys_at(on, params.snapshot, "a", ends, 1, &id, &error));
    REFUSED(vdb_keys_of_ids_at(on, params.snapshot, &id, 1, text, sizeof text, offsets, &len, &error));
    REFUSED(vdb_get_meta_at(on, params.snapshot, &id, 1, text, sizeof text, offsets, &len, &error));
    REFUSED(vdb_cursor_search(on, query, DIM, &params, &cursor, &error));
    REFUSED(vdb_search_ids(on, &id, 1, K, &params, near, distances, NULL, &error));
    REFUSED(vdb_recommend(on, &id, 1, NULL, 0, K, &params, near, distances, &seen, &error));
    REFUSED(vdb_search_diverse(on, query, DIM, K, 0, 0.5f, &params, near, distances, &seen, &error));
    REFUSED(vdb_explain(on, query, DIM, K, &params, json, sizeof json, &len, &error));
    const vdb *all[] = {on};
    REFUSED(vdb_search_many(all, 1, query, 1, DIM, 0, K, &params, near, distances, sources, NULL, &error));
#undef REFUSED
  }
  CHECK(count == 77 && found == 7);

  /* Closing waits for none; what is left can only be freed. */
  CHECK_OK(vdb_close(db, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_count_at(db, snapshot, NULL, &count, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_snapshot_new(db, &none, &error));
  CHECK(none == NULL);
  REQUIRE_OK(vdb_open(path, NULL, &db, &error));
  CHECK_STATUS(VDB_ERR_MISMATCH, vdb_count_at(db, snapshot, NULL, &count, &error));
  vdb_snapshot_free(snapshot);
  CHECK_STATUS(VDB_ERR_CLOSED, vdb_count_at(db, snapshot, NULL, &count, &error));
  CHECK_OK(vdb_close(db, &error));
  CHECK_OK(vdb_close(other, &error));
}

TEST_TABLE(snapshot) = {
    TEST(answers_stay_while_everything_changes),
    TEST(filters_and_snapshots_go_together),
    TEST(keys_and_metadata_stay_too),
    TEST(statistics_count_them),
    TEST(a_snapshot_is_refused_where_it_does_not_belong),
    END_OF_TESTS,
};
