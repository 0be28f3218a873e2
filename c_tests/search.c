/* Search: against a brute force of its own, and at the edges. */
#include "harness.h"

#include <math.h>

static double squared_distance(const float *a, const float *b, size_t dim) {
  double sum = 0;
  for (size_t i = 0; i < dim; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
  return sum;
}

/* The exact search is the nearest rows, nearest first, with their distances. */
static void exact_search_is_brute_force(void) {
  enum { ROWS = 400, DIM = 9, K = 7 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  static float rows[ROWS * DIM];
  float query[DIM], distances[K];
  uint64_t ids[K];
  uint32_t counts[1];
  insert_noise(db, 5, ROWS, DIM);
  fill_noise(rows, ROWS * DIM, 5);
  for (uint64_t q = 0; q < 20; q++) {
    bool taken[ROWS] = {false};
    fill_noise(query, DIM, 1000 + q);
    REQUIRE_OK(vdb_search_exact(db, query, 1, DIM, 0, K, NULL, ids, distances, counts, &error));
    CHECK_U64(K, counts[0]);
    for (int place = 0; place < K; place++) {
      size_t best = ROWS;
      for (size_t r = 0; r < ROWS; r++) {
        if (taken[r]) continue;
        if (best == ROWS || squared_distance(query, rows + r * DIM, DIM) < squared_distance(query, rows + best * DIM, DIM)) best = r;
      }
      taken[best] = true;
      CHECK_U64(best + 5, ids[place]);
      CHECK(fabs(distances[place] - squared_distance(query, rows + best * DIM, DIM)) < 1e-5);
    }
  }
  CHECK_OK(vdb_close(db, &error));
}

static void the_graph_finds_what_exact_search_finds(void) {
  enum { DIM = 16, K = 10, QUERIES = 50 };
  vdb_error_t error = VDB_ERROR_INIT;
  size_t rows = quick() ? 2100 : 10000;
  vdb *db = open_db(NULL, DIM);
  static float queries[QUERIES * DIM], distances[QUERIES * K], exact_distances[QUERIES * K];
  static uint64_t ids[QUERIES * K], exact[QUERIES * K];
  uint32_t counts[QUERIES];
  int found = 0;
  insert_noise(db, 1, rows, DIM);
  fill_noise(queries, QUERIES * DIM, 99999);
  CHECK_OK(vdb_wait_indexed(db, NULL, &error));
  vdb_stats_t stats = {.struct_size = sizeof stats};
  CHECK_OK(vdb_stats_get(db, &stats, &error));
  CHECK(stats.unindexed == 0 && stats.graph_nodes == rows);
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  params.ef = 200;
  REQUIRE_OK(vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, counts, &error));
  REQUIRE_OK(vdb_search_exact(db, queries, QUERIES, DIM, 0, K, NULL, exact, exact_distances, NULL, &error));
  for (int q = 0; q < QUERIES; q++) {
    CHECK_U64(K, counts[q]);
    for (int i = 0; i < K; i++) {
      CHECK(i == 0 || distances[q * K + i - 1] <= distances[q * K + i]);
      for (int j = 0; j < K; j++) found += ids[q * K + i] == exact[q * K + j];
    }
  }
  CHECK(found >= QUERIES * K * 95 / 100);
  /* The flag is the other way to ask for an exact search. */
  params.flags = VDB_SEARCH_EXACT;
  CHECK_OK(vdb_search(db, queries, QUERIES, DIM, 0, K, &params, ids, distances, counts, &error));
  CHECK(memcmp(ids, exact, sizeof ids) == 0 && memcmp(distances, exact_distances, sizeof distances) == 0);
  CHECK_OK(vdb_close(db, &error));
}

static void recall_can_be_asked_for_and_measured(void) {
  enum { DIM = 24, QUERIES = 60, K = 10 };
  const uint64_t rows = quick() ? 2100 : 4000;
  static float queries[QUERIES * DIM];
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  double recall = -1, low = -1, high = -1, narrow = -1;
  vdb_task *task = NULL;
#define MEASURE(queries, count, out_recall) \
  vdb_measure_recall(db, queries, count, DIM, 0, K, &params, out_recall, &low, &high, NULL, &error)
  CHECK_OK(MEASURE(NULL, 10, &recall)); /* no rows: nothing to miss */
  CHECK(recall == 1 && low == 0 && high == 1);
  insert_noise(db, 1, rows, DIM);
  REQUIRE_OK(vdb_wait_indexed(db, NULL, &error));
  fill_noise(queries, QUERIES * DIM, 9);
  params.ef = 10;
  CHECK_OK(MEASURE(queries, QUERIES, &narrow));
  CHECK(0 < low && low <= narrow && narrow <= high && high < 1);
  params.ef = 0;
  params.target_recall = 0.99f;
  CHECK_OK(MEASURE(queries, QUERIES, &recall));
  CHECK(recall > narrow && recall >= 0.97 && low <= recall && recall <= high && high <= 1);
  CHECK_OK(vdb_measure_recall(db, NULL, QUERIES, DIM, 0, K, &params, &recall, NULL, NULL, NULL, &error));
  CHECK(recall >= 0.97 && recall <= 1);
  CHECK_OK(MEASURE(NULL, 0, &recall)); /* no queries */
  CHECK(recall == 1 && low == 0 && high == 1);
  params.flags = VDB_SEARCH_EXACT;
  CHECK_OK(MEASURE(queries, QUERIES, &recall));
  CHECK(recall == 1 && high == 1 && low > 0.9);
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT, MEASURE(queries, QUERIES, NULL));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_measure_recall(db, queries, 1, DIM, 0, VDB_MAX_K + 1, NULL, &recall, NULL, NULL,
                                                 NULL, &error));
  CHECK_STATUS(VDB_ERR_DIMENSION, vdb_measure_recall(db, queries, 1, DIM + 1, 0, K, NULL, &recall, NULL, NULL, NULL,
                                                     &error));
  queries[3] = NAN;
  CHECK_STATUS(VDB_ERR_NOT_FINITE, MEASURE(queries, QUERIES, &recall));
  CHECK_U64(0, error.item);
  REQUIRE_OK(vdb_task_new(&task, &error));
  CHECK_OK(vdb_task_cancel(task));
  CHECK_STATUS(VDB_ERR_CANCELLED, vdb_measure_recall(db, NULL, QUERIES, DIM, 0, K, NULL, &recall, NULL, NULL, task,
                                                     &error));
  vdb_task_free(task);
#undef MEASURE
  CHECK_OK(vdb_close(db, &error));
}

static void edges_of_k(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  const float queries[] = {0, 0, 1, 1};
  uint64_t ids[10];
  float distances[10];
  uint32_t counts[2] = {77, 77};
  CHECK_OK(vdb_search(db, queries, 2, 2, 0, 5, NULL, ids, distances, counts, &error)); /* empty */
  CHECK(counts[0] == 0 && counts[1] == 0);
  for (int i = 0; i < 10; i++) CHECK(ids[i] == VDB_ID_NONE && distances[i] == INFINITY);
  insert_noise(db, 1, 3, 2);
  CHECK_OK(vdb_search(db, queries, 2, 2, 0, 5, NULL, ids, distances, counts, &error)); /* k > rows */
  CHECK(counts[0] == 3 && counts[1] == 3);
  CHECK(ids[2] != VDB_ID_NONE && ids[3] == VDB_ID_NONE && distances[4] == INFINITY && ids[5] != VDB_ID_NONE);
  CHECK_OK(vdb_search(db, queries, 2, 2, 0, 5, NULL, ids, distances, NULL, &error)); /* counts unwanted */
  CHECK(ids[2] != VDB_ID_NONE && ids[3] == VDB_ID_NONE);
  counts[0] = 77;
  CHECK_OK(vdb_search(db, queries, 1, 2, 0, 0, NULL, NULL, NULL, counts, &error)); /* k = 0 */
  CHECK_U64(0, counts[0]);
  CHECK_OK(vdb_search(db, NULL, 0, 2, 0, 5, NULL, NULL, NULL, NULL, &error)); /* no queries */
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_search(db, queries, 2, 2, 0, SIZE_MAX, NULL, ids, distances, counts, &error));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_search(db, queries, 2, 2, 0, VDB_MAX_K + 1, NULL, ids, distances, counts, &error));
  CHECK_OK(vdb_close(db, &error));
}

static void ties_are_broken_by_id(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 1);
  const uint64_t rows[] = {9, 3, 7, 1};
  const float vectors[] = {1, -1, 1, -1}, query[] = {0};
  uint64_t ids[4];
  float distances[4];
  CHECK_OK(vdb_insert_batch(db, rows, vectors, 4, 1, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_OK(vdb_search(db, query, 1, 1, 0, 4, NULL, ids, distances, NULL, &error));
  CHECK(ids[0] == 1 && ids[1] == 3 && ids[2] == 7 && ids[3] == 9);
  CHECK_OK(vdb_search(db, query, 1, 1, 0, 2, NULL, ids, distances, NULL, &error));
  CHECK(ids[0] == 1 && ids[1] == 3);
  CHECK_OK(vdb_close(db, &error));
}

static void metrics_are_the_published_formulas(void) {
  const struct { const char *metric; double expected; } table[] = {
      {"l2sq", 4 + 9}, {"ip", 1 - (3 + 10)}, {"cosine", 1 - 13 / (sqrt(5) * sqrt(34))}, {"l1", 2 + 3},
  };
  const float row[] = {1, 2}, query[] = {3, 5};
  const uint64_t id[] = {1};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    vdb_error_t error = VDB_ERROR_INIT;
    vdb *db = open_db_with(NULL, 2, (const char *const[]){"schema.metric", table[i].metric, NULL});
    uint64_t found;
    float distance;
    CHECK_OK(vdb_insert_batch(db, id, row, 1, 2, 0, VDB_SCALAR_F32, NULL, &error));
    CHECK_OK(vdb_search(db, query, 1, 2, 0, 1, NULL, &found, &distance, NULL, &error));
    CHECK(fabs(distance - table[i].expected) < 1e-5);
    CHECK_OK(vdb_close(db, &error));
  }
}

static void parameters_are_checked(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  const float query[] = {0, 0}, odd[] = {0, NAN};
  const uint8_t bytes[] = {0, 0};
  uint64_t id;
  float distance;
  insert_noise(db, 1, 3, 2);
#define SEARCH(params) vdb_search(db, query, 1, 2, 0, 1, params, &id, &distance, NULL, &error)
  vdb_search_params_t params = VDB_SEARCH_PARAMS_INIT;
  CHECK_OK(SEARCH(&params));
  params.flags = 0x80000000u;
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, SEARCH(&params));
  params = (vdb_search_params_t){.struct_size = sizeof params, .ef = 100001};
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, SEARCH(&params));
  params = (vdb_search_params_t){.struct_size = sizeof params, .query_scalar = 77};
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, SEARCH(&params));
  for (int i = 0; i < 3; i++) {
    const float wrong[3] = {-0.1f, 1.0f, NAN};
    params = (vdb_search_params_t){.struct_size = sizeof params, .target_recall = wrong[i]};
    CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, SEARCH(&params));
  }
  params = (vdb_search_params_t){.struct_size = sizeof params, .target_recall = 0.9f, .ef = 10};
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, SEARCH(&params));
  params = (vdb_search_params_t){.struct_size = 0};
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, SEARCH(&params));
  params.struct_size = UINT32_MAX;
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, SEARCH(&params));
  params = (vdb_search_params_t){.struct_size = 8, .ef = 10, .flags = UINT32_MAX}; /* an older caller's: ef only */
  CHECK_OK(SEARCH(&params));
  struct { vdb_search_params_t known; uint64_t newer; } longer = {.known = {.struct_size = sizeof longer}, .newer = 0};
  CHECK_OK(SEARCH(&longer.known));
  longer.newer = 1;
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, SEARCH(&longer.known));
#undef SEARCH
  CHECK_STATUS(VDB_ERR_NOT_FINITE, vdb_search(db, odd, 1, 2, 0, 1, NULL, &id, &distance, NULL, &error));
  CHECK_U64(0, error.item);
  CHECK_STATUS(VDB_ERR_DIMENSION, vdb_search(db, query, 1, 3, 0, 1, NULL, &id, &distance, NULL, &error));
  params = (vdb_search_params_t){.struct_size = sizeof params, .query_scalar = VDB_SCALAR_U8};
  CHECK_OK(vdb_search(db, bytes, 1, 2, 0, 1, &params, &id, &distance, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

/* All rows within a distance; the count says when there are more than places. */
static void rows_within_a_distance(void) {
  enum { ROWS = 300, DIM = 6 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, DIM);
  static float rows[ROWS * DIM], distances[ROWS];
  float query[DIM];
  static uint64_t ids[ROWS];
  size_t count = 0;
  insert_noise(db, 7, ROWS, DIM);
  fill_noise(rows, ROWS * DIM, 7);
  fill_noise(query, DIM, 4242);
  for (float radius = 0; radius < 30; radius += 1.7f) {
    size_t expected = 0;
    for (size_t r = 0; r < ROWS; r++) expected += squared_distance(query, rows + r * DIM, DIM) <= radius;
    REQUIRE_OK(vdb_search_range(db, query, DIM, radius, ROWS, NULL, ids, distances, &count, &error));
    CHECK_U64(expected, count);
    for (size_t i = 0; i < count; i++) CHECK(distances[i] <= radius && (i == 0 || distances[i - 1] <= distances[i]));
    if (count < ROWS) CHECK(ids[count] == VDB_ID_NONE && isinf(distances[count]));
    if (expected > 3) {
      REQUIRE_OK(vdb_search_range(db, query, DIM, radius, 3, NULL, ids, distances, &count, &error));
      CHECK_U64(4, count);
    }
  }
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_search_range(db, query, DIM, NAN, 3, NULL, ids, distances, &count, &error));
  CHECK_STATUS(VDB_ERR_DIMENSION, vdb_search_range(db, query, DIM + 1, 1, 3, NULL, ids, distances, &count, &error));
  CHECK_STATUS(VDB_ERR_LIMIT,
               vdb_search_range(db, query, DIM, 1, (size_t)VDB_MAX_K + 1, NULL, ids, distances, &count, &error));
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(search) = {
    TEST(exact_search_is_brute_force),
    TEST(the_graph_finds_what_exact_search_finds),
    TEST(edges_of_k),
    TEST(ties_are_broken_by_id),
    TEST(metrics_are_the_published_formulas),
    TEST(parameters_are_checked),
    TEST(recall_can_be_asked_for_and_measured),
    TEST(rows_within_a_distance),
    END_OF_TESTS,
};
