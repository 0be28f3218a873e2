/* Searches by rows, recommendations, diverse and federated searches: beside a plain search, and every refusal. */
#include "harness.h"

#include <math.h>

enum { DIM = 6, ROWS = 400, K = 5 };

/* A database of noise whose rows are known. */
static vdb *known_rows(float *rows) {
  vdb *db = open_db(NULL, DIM);
  insert_noise(db, 1, ROWS, DIM);
  fill_noise(rows, ROWS * DIM, 1);
  return db;
}

static void rows_find_their_neighbours(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  static float rows[ROWS * DIM];
  vdb *db = known_rows(rows);
  uint64_t asked[3] = {7, 200, 7}, ids[3 * K], expected[K + 1];
  float distances[3 * K], expected_distances[K + 1];
  uint32_t counts[3] = {77, 77, 77};
  REQUIRE_OK(vdb_search_ids(db, asked, 3, K, NULL, ids, distances, counts, &error));
  for (int i = 0; i < 3; i++) {
    CHECK_U64(K, counts[i]);
    const float *query = rows + (asked[i] - 1) * DIM;
    REQUIRE_OK(vdb_search(db, query, 1, DIM, 0, K + 1, NULL, expected, expected_distances, NULL, &error));
    CHECK_U64(asked[i], expected[0]); /* the row itself, and after it the answer */
    CHECK(memcmp(ids + i * K, expected + 1, K * sizeof *ids) == 0);
    CHECK(memcmp(distances + i * K, expected_distances + 1, K * sizeof *distances) == 0);
  }
  asked[1] = ROWS + 1;
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_search_ids(db, asked, 3, K, NULL, ids, distances, counts, &error));
  CHECK_U64(1, error.item);
  CHECK_OK(vdb_search_ids(db, asked, 1, K, NULL, ids, distances, NULL, &error));
  CHECK_OK(vdb_search_ids(db, NULL, 0, K, NULL, NULL, NULL, NULL, &error));
  CHECK_OK(vdb_search_ids(db, asked, 1, 0, NULL, NULL, NULL, counts, &error));
  CHECK_U64(0, counts[0]);
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_search_ids(db, asked, 2, SIZE_MAX, NULL, ids, distances, NULL, &error));
  CHECK_STATUS(VDB_ERR_LIMIT, vdb_search_ids(db, asked, 1, (size_t)VDB_MAX_K + 1, NULL, ids, distances, NULL, &error));
  vdb_search_params_t params = {.struct_size = sizeof params, .flags = 0x80};
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, vdb_search_ids(db, asked, 1, K, &params, ids, distances, NULL, &error));
  params = (vdb_search_params_t){.struct_size = sizeof params};
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  CHECK_OK(vdb_task_cancel(params.task));
  CHECK_STATUS(VDB_PARTIAL, vdb_search_ids(db, asked, 1, K, &params, ids, distances, counts, &error));
  CHECK(counts[0] == 0 && ids[0] == VDB_ID_NONE);
  vdb_task_free(params.task);
  CHECK_OK(vdb_close(db, &error));
}

static void examples_are_looked_for_between_and_left_out(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  static float rows[ROWS * DIM];
  vdb *db = known_rows(rows);
  const uint64_t liked[2] = {3, 90}, disliked[1] = {41};
  uint64_t ids[K], expected[K + 3];
  float point[DIM], distances[K], expected_distances[K + 3];
  uint32_t count = 77;
  for (int negative = 0; negative <= 1; negative++) {
    for (int d = 0; d < DIM; d++) {
      double p = ((double)rows[2 * DIM + d] + rows[89 * DIM + d]) / 2;
      point[d] = (float)(negative ? 2 * p - rows[40 * DIM + d] : p);
    }
    size_t examples = negative ? 3 : 2, e = 0;
    REQUIRE_OK(vdb_recommend(db, liked, 2, disliked, (size_t)negative, K, NULL, ids, distances, &count, &error));
    CHECK_U64(K, count);
    REQUIRE_OK(vdb_search_exact(db, point, 1, DIM, 0, K + examples, NULL, expected, expected_distances, NULL, &error));
    for (int i = 0; i < K; i++, e++) {
      while (expected[e] == 3 || expected[e] == 90 || (negative && expected[e] == 41)) e++;
      CHECK_U64(expected[e], ids[i]);
      CHECK(fabsf(expected_distances[e] - distances[i]) < 1e-5f);
    }
  }
  const uint64_t unknown[2] = {3, 100000};
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_recommend(db, unknown, 2, NULL, 0, K, NULL, ids, distances, &count, &error));
  CHECK_U64(1, error.item);
  CHECK_STATUS(VDB_ERR_NOT_FOUND, vdb_recommend(db, liked, 2, unknown, 2, K, NULL, ids, distances, &count, &error));
  CHECK_U64(3, error.item);
  CHECK_STATUS(VDB_ERR_INVALID_ARGUMENT, vdb_recommend(db, NULL, 0, liked, 2, K, NULL, ids, distances, &count, &error));
  CHECK_STATUS(VDB_ERR_LIMIT,
               vdb_recommend(db, liked, 2, NULL, 0, (size_t)VDB_MAX_K + 1, NULL, ids, distances, &count, &error));
  CHECK_OK(vdb_recommend(db, liked, 2, NULL, 0, 0, NULL, NULL, NULL, &count, &error));
  CHECK_U64(0, count);
  CHECK_OK(vdb_recommend(db, liked, 2, NULL, 0, K, NULL, ids, distances, NULL, &error));
  vdb_search_params_t params = {.struct_size = sizeof params};
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  CHECK_OK(vdb_task_cancel(params.task));
  CHECK_STATUS(VDB_PARTIAL, vdb_recommend(db, liked, 2, NULL, 0, K, &params, ids, distances, &count, &error));
  CHECK(count == 0 && ids[0] == VDB_ID_NONE && isinf(distances[0]));
  vdb_task_free(params.task);
  CHECK_OK(vdb_close(db, &error));

  db = open_db_with(NULL, 2, (const char *const[]){"schema.metric", "cosine", NULL});
  const uint64_t opposite[2] = {1, 2};
  const float both[4] = {1, 2, -1, -2};
  CHECK_OK(vdb_insert_batch(db, opposite, both, 2, 2, 0, VDB_SCALAR_F32, NULL, &error));
  CHECK_STATUS(VDB_ERR_NOT_FINITE, vdb_recommend(db, opposite, 2, NULL, 0, K, NULL, ids, distances, &count, &error));
  CHECK_OK(vdb_close(db, &error));
}

static double apart(const float *a, const float *b) {
  double sum = 0;
  for (int d = 0; d < DIM; d++) sum += ((double)a[d] - b[d]) * ((double)a[d] - b[d]);
  return sum;
}

static void diverse_results_keep_apart(void) {
  enum { CANDIDATES = 60 };
  vdb_error_t error = VDB_ERROR_INIT;
  static float rows[ROWS * DIM];
  vdb *db = known_rows(rows);
  float query[DIM], distances[K], near_distances[CANDIDATES];
  uint64_t ids[K], near[CANDIDATES];
  uint32_t count = 77;
  const float lambda = 0.4f;
  fill_noise(query, DIM, 4242);
  REQUIRE_OK(vdb_search_exact(db, query, 1, DIM, 0, CANDIDATES, NULL, near, near_distances, NULL, &error));
  REQUIRE_OK(vdb_search_diverse(db, query, DIM, K, CANDIDATES, lambda, NULL, ids, distances, &count, &error));
  CHECK_U64(K, count);
  bool taken[CANDIDATES] = {false};
  for (int i = 0; i < K; i++) {
    size_t best = CANDIDATES;
    double least = INFINITY;
    for (size_t c = 0; c < CANDIDATES; c++) {
      double nearest = INFINITY;
      const float *row = rows + (near[c] - 1) * DIM;
      for (int j = 0; j < i; j++) nearest = fmin(nearest, apart(row, rows + (ids[j] - 1) * DIM));
      double score = i == 0 ? near_distances[c] : (double)lambda * near_distances[c] - (1 - (double)lambda) * nearest;
      if (!taken[c] && score < least) best = c, least = score;
    }
    REQUIRE(best < CANDIDATES);
    taken[best] = true;
    CHECK_U64(near[best], ids[i]);
    CHECK(distances[i] == near_distances[best]);
  }
  CHECK_OK(vdb_search_diverse(db, query, DIM, K, 0, 1, NULL, ids, distances, NULL, &error));
  CHECK(memcmp(ids, near, sizeof ids) == 0 && memcmp(distances, near_distances, sizeof distances) == 0);
  for (int i = 0; i < 3; i++) {
    const float wrong[3] = {-0.01f, 1.01f, NAN};
    CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_search_diverse(db, query, DIM, K, 0, wrong[i], NULL, ids, distances, &count, &error));
  }
  CHECK_STATUS(VDB_ERR_DIMENSION, vdb_search_diverse(db, query, DIM + 1, K, 0, 1, NULL, ids, distances, &count, &error));
  CHECK_STATUS(VDB_ERR_LIMIT,
               vdb_search_diverse(db, query, DIM, K, (size_t)VDB_MAX_K + 1, 1, NULL, ids, distances, &count, &error));
  CHECK_STATUS(VDB_ERR_LIMIT,
               vdb_search_diverse(db, query, DIM, (size_t)VDB_MAX_K + 1, 0, 1, NULL, ids, distances, &count, &error));
  CHECK_OK(vdb_search_diverse(db, query, DIM, 0, 10, 1, NULL, NULL, NULL, &count, &error));
  CHECK_U64(0, count);
  query[2] = NAN;
  CHECK_STATUS(VDB_ERR_NOT_FINITE, vdb_search_diverse(db, query, DIM, K, 0, 1, NULL, ids, distances, &count, &error));
  query[2] = 0;
  vdb_search_params_t params = {.struct_size = sizeof params};
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  CHECK_OK(vdb_task_cancel(params.task));
  CHECK_STATUS(VDB_PARTIAL, vdb_search_diverse(db, query, DIM, K, 0, 1, &params, ids, distances, &count, &error));
  vdb_task_free(params.task);
  CHECK_OK(vdb_close(db, &error));
}

static void several_databases_answer_as_one(void) {
  enum { DBS = 3, QUERIES = 4 };
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *dbs[DBS], *all = open_db(NULL, DIM);
  const vdb *some[DBS];
  static float queries[QUERIES * DIM], distances[QUERIES * K], expected_distances[QUERIES * K];
  static uint64_t ids[QUERIES * K], expected[QUERIES * K];
  uint32_t sources[QUERIES * K], counts[QUERIES];
  fill_noise(queries, QUERIES * DIM, 9);
  for (uint64_t i = 0; i < DBS; i++) {
    some[i] = dbs[i] = open_db(NULL, DIM);
    insert_noise(dbs[i], 1000 * i + 1, 300, DIM);
    insert_noise(all, 1000 * i + 1, 300, DIM);
  }
  REQUIRE_OK(vdb_search_many(some, DBS, queries, QUERIES, DIM, 0, K, NULL, ids, distances, sources, counts, &error));
  REQUIRE_OK(vdb_search(all, queries, QUERIES, DIM, 0, K, NULL, expected, expected_distances, NULL, &error));
  CHECK(memcmp(ids, expected, sizeof ids) == 0 && memcmp(distances, expected_distances, sizeof distances) == 0);
  for (int i = 0; i < QUERIES * K; i++) CHECK_U64(ids[i] / 1000, sources[i]);
  for (int i = 0; i < QUERIES; i++) CHECK_U64(K, counts[i]);
  /* The same database twice: every row twice, the earlier place first. */
  some[1] = some[0];
  REQUIRE_OK(vdb_search_many(some, 2, queries, 1, DIM, 0, 2, NULL, ids, distances, sources, NULL, &error));
  CHECK(ids[0] == ids[1] && sources[0] == 0 && sources[1] == 1);
  CHECK_OK(vdb_search_many(NULL, 0, queries, 1, DIM, 0, 2, NULL, ids, distances, sources, counts, &error));
  CHECK(counts[0] == 0 && ids[1] == VDB_ID_NONE && isinf(distances[1]) && sources[1] == UINT32_MAX);
  CHECK_OK(vdb_search_many(some, 2, NULL, 0, DIM, 0, 2, NULL, NULL, NULL, NULL, NULL, &error));

  vdb *other = open_db_with(NULL, DIM, (const char *const[]){"schema.metric", "ip", NULL});
  vdb *longer = open_db(NULL, DIM + 1);
#define MANY(count, dim, k, params) \
  vdb_search_many(some, count, queries, 1, dim, 0, k, params, ids, distances, sources, counts, &error)
  some[2] = other;
  CHECK_STATUS(VDB_ERR_MISMATCH, MANY(3, DIM, K, NULL));
  CHECK_U64(2, error.item);
  some[2] = longer;
  CHECK_STATUS(VDB_ERR_MISMATCH, MANY(3, DIM, K, NULL));
  CHECK_STATUS(VDB_ERR_DIMENSION, MANY(2, DIM + 1, K, NULL));
  CHECK_STATUS(VDB_ERR_LIMIT, MANY(2, DIM, (size_t)VDB_MAX_K + 1, NULL));
  CHECK_STATUS(VDB_ERR_OUT_OF_RANGE, vdb_search_many(some, 2, queries, 2, DIM, 0, SIZE_MAX, NULL, ids, distances,
                                                     sources, counts, &error));
  vdb_search_params_t params = {.struct_size = sizeof params, .flags = 0x80};
  CHECK_STATUS(VDB_ERR_UNSUPPORTED, MANY(2, DIM, K, &params));
  params = (vdb_search_params_t){.struct_size = sizeof params};
  REQUIRE_OK(vdb_task_new(&params.task, &error));
  CHECK_OK(vdb_task_cancel(params.task));
  CHECK_STATUS(VDB_PARTIAL, MANY(2, DIM, K, &params));
  CHECK_U64(0, counts[0]);
  vdb_task_free(params.task);
  queries[1] = NAN;
  CHECK_STATUS(VDB_ERR_NOT_FINITE, MANY(2, DIM, K, NULL));
  CHECK_U64(0, error.item);
  CHECK_OK(vdb_close(other, &error));
  CHECK_OK(vdb_close(longer, &error));
  CHECK_STATUS(VDB_ERR_CLOSED, MANY(3, DIM, K, NULL));
  CHECK_U64(2, error.item);
#undef MANY
  for (int i = 0; i < DBS; i++) CHECK_OK(vdb_close(dbs[i], &error));
  CHECK_OK(vdb_close(all, &error));
}

static void groups_have_their_best_rows(void) {
  vdb_error_t error = VDB_ERROR_INIT;
  vdb *db = open_db(NULL, 2);
  float rows[5 * 2] = {0, 0, 1, 0, 2, 0, 3, 0, 4, 0}, query[2] = {0, 0}, distances[4];
  uint64_t ids[5] = {10, 11, 12, 13, 14}, found[4];
  uint64_t offsets[6] = {0, 9, 18, 27, 27, 36};
  const char *meta = "{\"a\":\"x\"}{\"a\":\"x\"}{\"a\":\"x\"}{\"a\":\"y\"}";
  uint32_t counts[2], groups = 77;
  REQUIRE_OK(vdb_insert_records(db, ids, NULL, NULL, rows, 5, 2, 0, VDB_SCALAR_F32, meta, offsets, NULL, &error));
  REQUIRE_OK(vdb_search_groups(db, query, 2, "a", 1, 2, 2, NULL, found, distances, counts, &groups, &error));
  CHECK(groups == 2 && counts[0] == 2 && counts[1] == 1);
  CHECK(found[0] == 10 && found[1] == 11 && found[2] == 14 && found[3] == VDB_ID_NONE && distances[2] == 16);
  CHECK_OK(vdb_search_groups(db, query, 2, "b", 1, 2, 2, NULL, found, distances, NULL, NULL, &error));
  CHECK(found[0] == VDB_ID_NONE);
  CHECK_OK(vdb_search_groups(db, query, 2, "a", 1, 0, 2, NULL, NULL, NULL, NULL, &groups, &error));
  CHECK_U64(0, groups);
  CHECK_STATUS(VDB_ERR_FILTER_SYNTAX,
               vdb_search_groups(db, query, 2, "a b", 3, 2, 2, NULL, found, distances, counts, NULL, &error));
  CHECK_U64(2, error.item);
  CHECK_STATUS(VDB_ERR_FILTER_SYNTAX,
               vdb_search_groups(db, query, 2, "a\xff", 2, 2, 2, NULL, found, distances, counts, NULL, &error));
  CHECK_STATUS(VDB_ERR_NULL_ARGUMENT,
               vdb_search_groups(db, query, 2, NULL, 1, 2, 2, NULL, found, distances, counts, NULL, &error));
  CHECK_STATUS(VDB_ERR_DIMENSION,
               vdb_search_groups(db, query, 3, "a", 1, 2, 2, NULL, found, distances, counts, NULL, &error));
  CHECK_STATUS(VDB_ERR_LIMIT,
               vdb_search_groups(db, query, 2, "a", 1, 2, VDB_MAX_K, NULL, found, distances, counts, NULL, &error));
  CHECK_OK(vdb_close(db, &error));
}

TEST_TABLE(ask) = {
    TEST(rows_find_their_neighbours),
    TEST(examples_are_looked_for_between_and_left_out),
    TEST(diverse_results_keep_apart),
    TEST(several_databases_answer_as_one),
    TEST(groups_have_their_best_rows),
    END_OF_TESTS,
};
